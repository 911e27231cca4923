"""Macros of other systems, and placeholders that a copy has encoded: they go out as they stand, which nobody means."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from actions.reports.parameters import PARAMETERS
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.hints import PARAMETER_ALIASES, nearest
from postbacks.request.template.places import Place
from postbacks.request.template.terminal import quoted


class Foreign(NamedTuple):
    """What stands `at` an index, and what may have been meant."""

    at: int
    message: str
    hint: str


_WORD: Final = "(?P<name>[A-Za-z][A-Za-z0-9_]*)"
_OPEN: Final = "%(?:25)*7[Bb]"
_CLOSED: Final = "%(?:25)*7[Dd]"
# Only a macro is written like this, whatever its name.
_MACROS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_OPEN}\s*{_WORD}(?:[.-][\w.-]*)?\s*(?:{_CLOSED}|%28|\()",
        rf"\{{\{{\s*{_WORD}[^{{}}]*\}}\}}",
        rf"[\uff5b\ufe5b\u2774]\s*{_WORD}\s*[\uff5d\ufe5c\u2775}}]?",
        rf"\{{[$!@%:#^*~=-]\s*{_WORD}[^{{}}]*\}}",
        rf"\$\{{\s*{_WORD}[^{{}}]*\}}",
        rf"\$\({_WORD}\)",
        r"\{(?P<name>[A-Za-z][A-Za-z0-9_]*(?:[ -][A-Za-z0-9_]+)+)\}",
        rf"(?:%(?:25)?){{2}}{_WORD}(?:%(?:25)?){{2}}",
        rf"#{_WORD}#|%23(?P<encoded>[A-Za-z]\w*)%23",
        rf"<%=?\s*{_WORD}\s*%>",
        rf"\*\|{_WORD}\|\*",
        rf"&(?:#123|#x7[bB]|lcub|lbrace);\s*{_WORD}",
        rf"\\u007[bB]\s*{_WORD}",
    )
)
# These may be meant as they stand, and are told by a name that says a parameter, or that has an underscore
# or a hyphen.
_PERHAPS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w\]])\[{{1,2}}{_WORD}\]{{1,2}}",
        rf"(?<![\w\]])%5[Bb]{_WORD}%5[Dd](?!=|%5[Bb])",
        rf"(?<!%)%(?![0-9A-Fa-f]{{2}}){_WORD}%(?![0-9A-Fa-f]{{2}})",
        r"(?<!\w)__(?P<name>[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)__(?!\w)",
        rf"(?<![\w.])@{_WORD}@(?!\w)",
        rf"\(\({_WORD}\)\)",
        r"(?<==)\((?P<name>[A-Za-z][A-Za-z0-9_-]*)\)(?=&|\Z)",
    )
)
_IN_ADDRESSES: Final = (re.compile(rf"(?<=[=/])(?:<|%3[Cc]){_WORD}(?:>|%3[Ee])"),)
_ADDRESSES: Final = (Place.URL, Place.FORM)

_AMPERSAND: Final = re.compile(r"&(?:amp|#38|#[xX]26);(?=[^&=\s]*=|\Z)")

# In texts, some of what does not show has a use: joiners in emoji and Persian, directions in Hebrew.
_NEVER_MEANT: Final = "\u00ad\u200b\u2060\ufeff"
_INVISIBLE: Final = f"{_NEVER_MEANT}\u00a0\u200c-\u200f\u202a-\u202e\u2066-\u2069"
_HIDDEN: Final = re.compile(f"[{_NEVER_MEANT}]")
_HIDDEN_IN_ADDRESS: Final = re.compile(f"[{_INVISIBLE}]")
_HIDDEN_IN_BRACES: Final = re.compile(rf"\{{(?=[^{{}}\s]*[{_INVISIBLE}])(?P<name>[\w{_INVISIBLE}]+)\}}")

MARKS: Final = r"\[#$%{@*\\(;\x80-\U0010ffff"
"""For a character class: without one of these, or `__`, or in a URL and a form body a `<`, a text holds nothing
foreign, nor anything that would stand `around` a placeholder."""
_WORTH_A_LOOK: Final = re.compile(r"[\[#$%{<@*\\(]|__|&[a-z#]+[0-9A-Fa-f]*;|[^\x00-\x7f]")
_JSON_WORDS: Final = frozenset({"true", "false", "null"})


def foreign_in(text: str, place: Place) -> Iterator[Foreign]:
    """What in this literal text was probably meant as a placeholder, or as the & between two parameters."""
    if _WORTH_A_LOOK.search(text) is None:
        return
    seen: set[int] = set()
    for macro in _macros(text, place):
        span = set(range(*macro.span()))
        if seen.isdisjoint(span):
            seen |= span
            name = macro["name"] or macro.groupdict().get("encoded") or ""
            yield Foreign(macro.start(), f"{quoted(macro[0])} is sent as it stands", _meant(name))
    if place is not Place.XML:
        for entity in _AMPERSAND.finditer(text):
            yield Foreign(entity.start(), f"{entity[0]} is sent as it stands", "Between parameters stands &.")
    yield from _invisible(text, place)


def _macros(text: str, place: Place) -> Iterator[re.Match[str]]:
    for pattern in _MACROS:
        for found in pattern.finditer(text):
            # A known name in double braces is told of with all braces that open no placeholder.
            if not (found[0].startswith("{{") and (found["name"] in PARAMETERS or found["name"] in FUNCTIONS)):
                yield found
    for pattern in (*_PERHAPS, *(_IN_ADDRESSES if place in _ADDRESSES else ())):
        for found in pattern.finditer(text):
            name = found["name"]
            if name not in _JSON_WORDS and ("_" in name or "-" in name or nearest(name, PARAMETERS, PARAMETER_ALIASES)):
                yield found


def _meant(name: str) -> str:
    near = nearest(name, PARAMETERS, PARAMETER_ALIASES)
    if near:
        return f"Did you mean {{{near}}}?"
    if name in FUNCTIONS:
        return f"{name} is written {FUNCTIONS[name].example}"
    return "A parameter is written {Name}."


def _invisible(text: str, place: Place) -> Iterator[Foreign]:
    in_braces = _HIDDEN_IN_BRACES.search(text)
    if in_braces:
        name = re.sub(f"[{_INVISIBLE}]", "", in_braces["name"])
        yield Foreign(in_braces.start(), "An invisible character between braces", _meant(name))
        return
    found = (_HIDDEN_IN_ADDRESS if place in _ADDRESSES else _HIDDEN).search(text)
    if found:
        yield Foreign(found.start(), f"The invisible character U+{ord(found[0]):04X}", "Delete it, and write it anew.")


def around(before: str, after: str, place: Place, *, numeric: bool) -> str:
    """Marks of another system around a placeholder of ours, as they stand; empty if there are none."""
    for opening, closing in (
        ("{", "}"),
        ("%%", "%%"),
        ("%", "%"),
        ("%7B", "%7D"),
        ("%7b", "%7d"),
        ("\uff5b", "\uff5d"),
    ):
        if before.endswith(opening) and after.startswith(closing):
            return f"{opening}…{closing}"
    # A price in a text may well have a dollar sign.
    if before.endswith("$") and (not numeric or place in (*_ADDRESSES, Place.FORM_VALUE)):
        return "$"
    return ""
