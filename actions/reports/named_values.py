"""One value of a report that has not been read yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from actions.reports.order_ids import read_order_id, trimmed, unwrapped
from actions.reports.report import NAMES

# All lines of a CSV file have the same names, and those of JSON Lines some few sets of them; each for three fields.
_SETS_OF_NAMES = 256


def value_of(fields: Mapping[str, Any], wanted: str) -> str:
    """The value of the field, however its name and the value are written: as the report will be read. Empty where it
    has none that can be read."""
    for name in _spelt(tuple(fields), wanted):
        value = fields[name]
        if value:
            try:
                return read_order_id(name, value) if wanted == "OrderId" else trimmed(str(unwrapped(value)))
            except (ValueError, RecursionError):  # It is refused when it is read.
                return ""
    return ""


@lru_cache(_SETS_OF_NAMES)
def _spelt(names: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    """Those of the names that mean the field."""
    return tuple(name for name in names if NAMES.meaning(name).field == wanted)
