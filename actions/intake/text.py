"""Writes the fields of a report as JSON text and reads them back unchanged. Pure.

A number with a decimal point keeps its digits: it never becomes a float.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson


def to_text(fields: Mapping[str, Any]) -> str:
    """The fields as JSON: texts, whole numbers, Decimals, true, false, null, and lists and objects of them."""
    try:
        return orjson.dumps(fields, default=_number).decode()
    except (TypeError, ValueError):  # A whole number of any length, or half of a surrogate pair.
        return _spelled(fields)


def from_text(text: str) -> dict[str, Any]:
    """What `to_text` was given."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError


def _spelled(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join([f'{json.dumps(name)}: {_spelled(each)}' for name, each in value.items()])}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join([_spelled(each) for each in value])}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
