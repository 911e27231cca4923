"""What can be kept of anything that is reported: text and JSON that PostgreSQL takes, whatever came in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# No report nests deeper than Items, a list of objects; an encoder that calls itself for each level must not run out.
_MAX_DEPTH: Final = 16
# A list, so that the report is refused again if it is processed again: no field takes such a one.
_TOO_DEEP: Final = ["…"]


def storable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they can be kept: as JSON of bounded depth, without the characters that PostgreSQL refuses."""
    return {clean(str(name)): _storable(value, _MAX_DEPTH) for name, value in fields.items()}


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        if not depth:
            return _TOO_DEEP
        return {clean(str(name)): _storable(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(each, depth - 1) for each in value] if depth else _TOO_DEEP
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def clean(text: str) -> str:
    """The text without NUL and half surrogate pairs, which neither PostgreSQL nor UTF-8 can hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
