"""What becomes of a text whose macros are translated."""

from collections.abc import Iterable
from dataclasses import dataclass


class ConversionError(ValueError):
    """The input cannot be converted; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Translation:
    """`written` became `template`. `note` is what to know, empty if both say exactly the same."""

    written: str
    template: str
    meaning: str
    note: str = ""
    click: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What has no counterpart, and still stands in the result; `advice` is what to do about it."""

    written: str
    advice: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """The text from `start` to `end` is to become `text`; with `left`, it stays."""

    start: int
    end: int
    text: str
    what: Translation | Left


@dataclass(frozen=True, slots=True)
class Converted:
    """The result, and how it came about. `masked` is the result with letters in place of what was left."""

    text: str
    masked: str
    translations: tuple[Translation, ...] = ()
    left: tuple[Left, ...] = ()


def applied(text: str, replacements: Iterable[Replacement]) -> Converted:
    """The text with all replacements, which do not overlap, and each translation and leftover once."""
    result, masked, at = "", "", 0
    done = sorted(replacements, key=lambda each: each.start)
    for each in done:
        between = text[at : each.start]
        result += between + each.text
        masked += between + ("x" * len(each.text) if isinstance(each.what, Left) else each.text)
        at = each.end
    found = tuple(dict.fromkeys(each.what for each in done))
    return Converted(
        result + text[at:],
        masked + text[at:],
        tuple(each for each in found if isinstance(each, Translation)),
        tuple(each for each in found if isinstance(each, Left)),
    )
