"""What can be kept of anything that is reported: text and JSON that PostgreSQL takes, whatever came in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

# No report nests deeper than Items, a list of objects; an encoder that calls itself for each level must not run out.
MAX_DEPTH: Final = 16
# A list, so that the report is refused again if it is processed again: no field takes such a one.
_TOO_DEEP: Final = ["…"]


def storable_value(value: Any, without: Callable[[str, object], bool], depth: int = MAX_DEPTH) -> Any:
    """The value as JSON of bounded depth, without the characters that PostgreSQL refuses.

    `without` tells by name and value what is left out of the objects in it.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        if not depth:
            return _TOO_DEEP
        kept = ((str(name), inner) for name, inner in value.items() if not without(str(name), inner))
        return {clean(name): storable_value(inner, without, depth - 1) for name, inner in kept}
    if isinstance(value, (list, tuple)):
        return [storable_value(each, without, depth - 1) for each in value] if depth else _TOO_DEEP
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def clean(text: str) -> str:
    """The text without NUL and half surrogate pairs, which neither PostgreSQL nor UTF-8 can hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
