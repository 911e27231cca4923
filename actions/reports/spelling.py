"""Compares names as people and programs spell them. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

# Blanks of every kind, and the marks that programs leave invisibly before a name. Between two digits a separator
# counts: ItemText1_1 is not ItemText11.
_SEPARATOR: Final = r"[\s_\-\u200b-\u200d\u2060\ufeff]+"
_SEPARATORS: Final = re.compile(rf"(?<!\d){_SEPARATOR}|{_SEPARATOR}(?!\d)")
_NO_LETTER: Final = re.compile(r"[^a-z]+")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# One letter more, less, other or swapped is near in a name of five letters; in a shorter one it is another word.
_LEAST_LETTERS: Final = 5
# In longer names two slips are near as well: "irclickid" and "clickid" are 0.875 alike, "eventid" and "event" 0.83.
_ALIKE: Final = 0.86


def squashed(name: str) -> str:
    """The name without regard to case, `_`, `-` and blanks."""
    return _SEPARATORS.sub("", name).casefold()


def letters(name: str) -> str:
    """What is left of the name without case, numbers and signs."""
    return _NO_LETTER.sub("", name.casefold())


def words(name: str) -> frozenset[str]:
    """The words of a name, in lower case: of `saleAmount`, `Sale Amount` and `sale_amount` the same two."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def likeness(one: str, other: str) -> float:
    """How alike two names in small letters are: 1 for the same, 0 for names that are not near each other."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < _LEAST_LETTERS - 1 or abs(len(one) - len(other)) > 3:
        return 0.0
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
    near = ratio >= _ALIKE or (max(len(one), len(other)) >= _LEAST_LETTERS and _one_slip(one, other))
    return ratio if near else 0.0


def one_letter_more(one: str, other: str) -> bool:
    """Whether a letter more or less makes the one of the other: of short words all that is near."""
    return min(len(one), len(other)) > 2 and len(one) != len(other) and _one_slip(one, other)


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter more, less, other, or two swapped make the one of the other."""
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) != len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[:at] + long[at + 1 : at + 2] + long[at : at + 1] + long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or short == swapped
