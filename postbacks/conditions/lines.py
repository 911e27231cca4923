"""Conditions as people type them, one a line: `Amount at least 50`, `every items.cat is not Shoes`.

The values of *one of* have commas between them. A value with a comma, with white space at its ends, or that reads as
something else is written in double quotes, as in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from postbacks.conditions.condition import ANY, EVERY, ITEMS, OPERATORS

# `is not empty` before `is not` before `is`, with any white space in between.
_NAMES: Final = "|".join(r"\s+".join(each.split()) for each in sorted(OPERATORS, key=len, reverse=True))
_LINE: Final = re.compile(
    rf"(?:(?P<items>{ANY}|{EVERY})\s+)?(?P<parameter>\S+)\s+"
    rf"(?P<operator>{_NAMES})(?:\s+(?P<values>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_VALUE: Final = frozenset(name for name, operator in OPERATORS.items() if operator.values == 0)

Row = list[str]
"""`any`, `every` or nothing; the parameter; the operator; the values as typed."""


def read_lines(text: str) -> list[dict[str, Any]]:
    """The conditions of a text, unchecked but in the shape that a postback stores; blank lines are skipped.

    Raises ValueError naming the first line that is none.
    """
    return [_stored(row) for row in rows(text)]


def rows(text: str) -> list[Row]:
    """The parts of each line. Raises ValueError as above."""
    return [_row(line.strip(), number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def write_lines(stored: Sequence[Any]) -> str:
    """The text that `read_lines` reads back as these conditions."""
    return "\n".join(map(_line, stored))


def as_line(stored: Any) -> str:
    """One condition as its line. What is none, as a history may keep of other releases, as Python writes it."""
    try:
        return _line(stored)
    except (KeyError, TypeError):
        return str(stored)


def _row(line: str, number: int) -> Row:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(
            f"Line {number} is not a condition. Write a parameter, an operator and a value, such as Amount at least "
            f"50. The operators are: {', '.join(OPERATORS)}."
        )
    operator = " ".join(found["operator"].lower().split())
    return [(found["items"] or "").lower(), found["parameter"], operator, (found["values"] or "").strip()]


def _stored(row: Row) -> dict[str, Any]:
    items, parameter, operator, typed = row
    stored: dict[str, Any] = {"parameter": parameter, "operator": operator, "values": _values(operator, typed)}
    if items or parameter.startswith(ITEMS):
        stored["items"] = items or ANY
    return stored


def _values(operator: str, typed: str) -> list[str]:
    if not typed:
        return []
    if operator != "one of":
        value, end = _quoted(typed)
        return [typed if value is None or end != len(typed) else value]
    values: list[str] = []
    rest = typed
    while rest:
        value, end = _quoted(rest)
        if value is None or rest[end:].lstrip()[:1] not in ("", ","):
            end = rest.find(",") if "," in rest else len(rest)
            value = rest[:end].strip()
        values.append(value)
        rest = rest[end:].lstrip().removeprefix(",").lstrip()
    return [value for value in values if value]


def _quoted(text: str) -> tuple[str | None, int]:
    """The JSON string that a text begins with, and where it ends."""
    if not text.startswith('"'):
        return None, 0
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError:
        return None, 0
    return value, end


def _line(stored: Any) -> str:
    operator = stored["operator"]
    values = ", ".join(_written(operator, value) for value in stored["values"])
    items = f"{EVERY} " if stored.get("items") == EVERY else ""
    return f"{items}{stored['parameter']} {operator} {values}".rstrip()


def _written(operator: str, value: str) -> str:
    """The value bare if it is read back as it is, else as a JSON string."""
    bare = _LINE.fullmatch(f"x {operator} {value}")
    same = bare is not None and " ".join(bare["operator"].split()) == operator and bare["values"] == value
    if same and value == value.strip() and len(value.splitlines()) == 1 and _values(operator, value) == [value]:
        return value
    return json.dumps(value, ensure_ascii=True)
