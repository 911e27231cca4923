"""Braces that open no expression, and what may have been meant by them."""

import re
from typing import Final

from actions.reports.parameters import PARAMETERS
from postbacks.request.template import limits
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.hints import FUNCTION_ALIASES, PARAMETER_ALIASES, nearest

_NAMED = re.compile(r"\{[ \t]*+(?P<name>[A-Za-z_][A-Za-z0-9_]*+)(?P<call>[ \t]*+\()?")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def placeholder_in(text: str) -> tuple[str, int] | None:
    """The first parameter or function that stands in the text as if in a placeholder: its name, its brace's place."""
    for found in _NAMED.finditer(text):
        if found["name"] in (FUNCTIONS if found["call"] else PARAMETERS):
            return found["name"], found.start()
    return None


def meant_by(text: str, start: int) -> str:
    """A hint for the brace at `start` in literal text; empty if nothing comes to mind."""
    if text[start] == "}":
        before = re.search(r"[A-Za-z0-9_]*\Z", text[max(0, start - limits.NAME_FOR_A_HINT) : start])
        return _parameter(before[0] if before else "")
    inside = re.split(r"[{}]", text[start + 1 : start + 1 + limits.NAME_FOR_A_HINT], maxsplit=1)[0].strip()
    word = _WORD.match(inside)
    if word is None:
        return ""
    name, rest = word[0], inside[word.end() :].strip()
    function = nearest(name, FUNCTIONS, FUNCTION_ALIASES)
    if function and (name == function or rest.startswith("(")):
        return f"{function} is written {FUNCTIONS[function].example}"
    if name in PARAMETERS and rest[:1] in ("|", ":"):
        return f"A function stands around its value, as in {FUNCTIONS['lower'].example}"
    several_words = re.fullmatch(r"[A-Za-z0-9_ -]+", inside)
    return _parameter(inside if several_words else name)


def _parameter(name: str) -> str:
    near = nearest(name.strip(), PARAMETERS, PARAMETER_ALIASES) if name.strip() else ""
    return f"Did you mean {{{near}}}?" if near else ""
