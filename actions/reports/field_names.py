"""What a reported name means: exactly as it is, or without regard to case, or without `_`, `-` and blanks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from actions.reports import documented
from actions.reports.item_names import flat_field
from actions.reports.near_misses import DECIDING
from actions.reports.spelling import letters, squashed

# Fields are few, but callers name what they like; a program that names each field anew must not fill the memory.
_NAMES_REMEMBERED: Final = 4096


class Use:
    """What becomes of a field. Text and no enumeration: it is looked at for each field of each report."""

    READ: Final = "read"  # It decides, and has a reader of its own.
    PARAMETER: Final = "parameter"
    KEPT: Final = "kept"
    ITEMS: Final = "items"  # The items as a list.
    ITEM: Final = "item"  # One field of an item, flat.
    WORKED_OUT: Final = "worked out"
    UNUSED: Final = "unused"  # Documented for callers, and not used here.
    UNKNOWN: Final = "unknown"


class Meaning(NamedTuple):
    """What a name means; `field` is the field's own name, of an unknown one the name as it came."""

    use: str  # One of `Use`.
    field: str


class FieldNames:
    """The names of all fields of a report."""

    def __init__(
        self,
        *,
        read: Collection[str],
        aliases: Mapping[str, str],
        parameters: Collection[str],
        worked_out: Collection[str],
        kept: Collection[str],
    ) -> None:
        """`aliases` leads from another name to the field's own, which is one of the others."""
        own: dict[str, str] = dict.fromkeys(documented.UNUSED, Use.UNUSED)
        own |= dict.fromkeys(kept, Use.KEPT)
        own |= dict.fromkeys(parameters, Use.PARAMETER)
        own |= dict.fromkeys(worked_out, Use.WORKED_OUT)
        own |= dict.fromkeys(read, Use.READ)
        own["Items"] = Use.ITEMS
        # An alias may stand in the list of parameters under its own name: Oid is one, and feeds OrderId.
        self._exact = {name: Meaning(use, name) for name, use in own.items()}
        self._exact |= {name: self._exact[field] for name, field in aliases.items()}
        self._any_case = _unambiguous(self._exact, str.casefold)
        self._squashed = _unambiguous(self._exact, squashed)
        self.guesses = sorted(self._exact)
        self.harmless = tuple(
            {letters(name) for name, meaning in self._exact.items() if not {name, meaning.field} & DECIDING.keys()}
        )
        self.meaning = lru_cache(_NAMES_REMEMBERED)(self._meaning)

    def _meaning(self, name: str) -> Meaning:
        plain = squashed(name)
        found = self._exact.get(name) or self._any_case.get(name.casefold()) or self._squashed.get(plain)
        if found is not None:
            return found
        item = flat_field(plain)
        if item:
            return Meaning(Use.ITEM, item)
        unused = documented.is_unused_item_field(plain)
        return Meaning(Use.UNUSED if unused else Use.UNKNOWN, name)


def _unambiguous(exact: Mapping[str, Meaning], spelt: Callable[[str], str]) -> dict[str, Meaning]:
    """The meanings by a coarser spelling, where all names of that spelling mean the same field."""
    by: dict[str, set[Meaning]] = {}
    for name, meaning in exact.items():
        by.setdefault(spelt(name), set()).add(meaning)
    return {name: next(iter(meanings)) for name, meanings in by.items() if len(meanings) == 1}
