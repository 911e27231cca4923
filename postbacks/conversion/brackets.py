"""Finds the macros of a text, also where a copy has percent-encoded their brackets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from postbacks.conversion.tables import Brackets

_OPEN, _CLOSE = r"(?:\{|%7[Bb])", r"(?:\}|%7[Dd])"
_INSIDE: Final = r"(?:(?!%7[BbDd])[^{}])*"
# Not where braces are doubled, or part of an expression of another kind: that is told by the checks of the result.
_BRACES: Final = re.compile(
    rf"(?<![{{$]){_OPEN}(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)(?:(?::|%3[Aa])(?P<argument>{_INSIDE}))?{_CLOSE}"
)
_HASHES: Final = re.compile(r"(?:#|%23)(?P<name>[A-Za-z][A-Za-z0-9_]*)(?:#|%23)")
_PARENTHESES: Final = re.compile(r"(?:\(|%28)(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?:\)|%29)")
_EXPRESSION: Final = re.compile(rf"(?:\$|%24){_OPEN}(?P<inner>{_INSIDE}){_CLOSE}|<#if\b.*?</#if>", re.DOTALL)
_INNER: Final = re.compile(
    r"""\(?(?P<name>[A-Za-z][\w.~-]*)\)?(?P<fallback>!(?:\(?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')\)?)?)?"""
)
_PATTERNS: Final = {
    Brackets.BRACES: _BRACES,
    Brackets.HASHES: _HASHES,
    Brackets.PARENTHESES: _PARENTHESES,
    Brackets.EXPRESSIONS: _EXPRESSION,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A macro from `start` to `end` of a text.

    `argument` is what stands behind its name, None if nothing does; `fallback` what is written if it has no value.
    """

    start: int
    end: int
    written: str
    name: str
    argument: str | None = None
    fallback: str = ""


def macros_in(text: str, brackets: Brackets) -> Iterator[Found]:
    """What stands in these brackets, from left to right, whether a macro of that name is known or not."""
    for match in _PATTERNS[brackets].finditer(text):
        yield _found(match, brackets)


def stands_alone(text: str, found: Found) -> bool:
    """Whether it is all of a value. Parentheses elsewhere are more likely to be text."""
    before, after = text[: found.start], text[found.end :]
    return re.search(r"(?:[=\"'>/]|: ?)\Z", before) is not None and re.match(r"[&\"'</#\s]|\Z", after) is not None


def _found(match: re.Match[str], brackets: Brackets) -> Found:
    start, end = match.span()
    if brackets is Brackets.EXPRESSIONS:
        return _expression(match, start, end)
    argument = match.groupdict().get("argument")
    return Found(start, end, match[0], match["name"], None if argument is None else unquote(argument))


def _expression(match: re.Match[str], start: int, end: int) -> Found:
    if match["inner"] is None:
        asked = re.match(r"<#if\s+(\w+)", match[0])
        return Found(start, end, match[0], asked[1] if asked else match[0])
    inner = unquote(match["inner"]).strip()
    parts = _INNER.fullmatch(inner)
    if parts is None:
        return Found(start, end, match[0], inner)
    return Found(start, end, match[0], parts["name"], fallback=parts["double"] or parts["single"] or "")
