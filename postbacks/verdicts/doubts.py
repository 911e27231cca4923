"""Rules that look like a status and are none: as text they would silently be looked for in the body."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_DASHES: Final = "[-\u2010-\u2015]+"  # As word processors write them, too.
_SPECIAL: Final = re.compile(r"([.*+?()\[\]{}|^$\\])")


def refuse_doubtful(line: str) -> None:
    """Raises ValueError with what to write instead of a rule for a text that looks like a status."""
    for pattern, instead in _SLIPS:
        if found := pattern.fullmatch(line):
            literal = _SPECIAL.sub(r"\\\1", line)
            raise ValueError(
                f"{line} looks like a status and is none. {instead(found)} To look for it in the body, write "
                f"/{literal}/."
            )


def _zeros(found: re.Match[str]) -> str:
    return f"It has the letter O: write {re.sub('[oO]', '0', found[0])}."


def _hundreds(found: re.Match[str]) -> str:
    digit = found[1]
    whole = f"{digit}xx for all from {digit}00 to {digit}99" if digit in "12345" else "a status from 100 to 599"
    return f"Write {whole}, or a range such as 200-204."


def _range(found: re.Match[str]) -> str:
    first, last, only_last = (each and each.lower() for each in found.groups())
    if not first:
        return f"A range has a status at both ends: write 100-{only_last}."
    if not last or len(last) < 3:
        return f"A range has a status at both ends: write {first.replace('xx', '00')}-{first[0]}99."
    lowest = min(each.replace("xx", "00") for each in (first, last))
    highest = max(each.replace("xx", "99") for each in (first, last))
    return f"Write {lowest}-{highest}, with one hyphen."


def _bound(found: re.Match[str]) -> str:
    return f"Rules do not compare: write the range that you mean, such as {found[1]}-599."


def _alone(found: re.Match[str]) -> str:
    return f"Write {found[1]} alone."


def _one_a_line(_found: re.Match[str]) -> str:
    return "Write one rule a line, or a range such as 200-204."


_ONE: Final = r"\d(?:\d\d|xx)"
_SLIPS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), instead)
    for pattern, instead in (
        (r"[1-5](?=\d?o)[\do]{2}", _zeros),
        (r"(\d)[\dx*\s]*[x*][\dx*]*", _hundreds),
        (rf"({_ONE})\s*(?:{_DASHES}|\.{{2,3}}|to)\s*({_ONE}|\d{{0,2}})|{_DASHES}\s*(\d{{3}})", _range),
        (r"(?:[<>!]=?|={1,2}|not\s)\s*(\d{3})", _bound),
        # Each branch begins with other characters, so that it reads a line once.
        (rf"(?=.*{_ONE})(?:[\s,;|/&+\u2010-\u2015-]|or|and|{_ONE})+", _one_a_line),
        (r"(?:http|status|code)[\s:=]*(\d{3}|\dxx)", _alone),
    )
)
