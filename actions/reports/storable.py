"""The fields of a refused report as they are kept: under the fields' own names, without a plain e-mail address. Pure.

Under their own names they are found when the data of a customer are exported, erased or hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actions.reports.customer_email import is_plain
from actions.reports.fields import MAX_NAME
from actions.reports.files import MAX_DEPTH, FileLine
from actions.reports.report import NAMES

# A list, so that the report is refused again if it is processed again: no field takes such a one.
_TOO_DEEP: Final = ["…"]


def storable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they can be kept: as JSON, without the characters that PostgreSQL refuses."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if is_plain(name, value):
            continue
        own = NAMES.meaning(name).field if len(name) <= MAX_NAME else name
        if kept.get(own) not in (None, ""):
            own = name  # The same field with another value: that is why it is refused.
        kept[clean(own)] = _storable(value, MAX_DEPTH)
    return kept


def raw_storable(line: FileLine) -> bytes:
    """A refused line of a file as it can be kept elsewhere: as it stands, but without a plain e-mail address."""
    fields = line.fields
    if not isinstance(fields, dict):
        return line.raw
    plain = set(_plain_addresses(fields))
    if not plain:
        return line.raw
    if line.raw.lstrip().startswith(b"{"):
        return json.dumps(storable(fields)).encode()
    raw = line.raw
    for address in plain:
        for written in (address, address.replace('"', '""')):  # As CSV has it in quotes.
            raw = raw.replace(written.encode(), b"")
    return raw


def _plain_addresses(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if is_plain(name, inner):
                yield str(inner)
            else:
                yield from _plain_addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _plain_addresses(inner)


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        if not depth:
            return _TOO_DEEP
        return {clean(name): _storable(inner, depth - 1) for name, inner in value.items() if not is_plain(name, inner)}
    if isinstance(value, (list, tuple)):
        return [_storable(each, depth - 1) for each in value] if depth else _TOO_DEEP
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def clean(text: str) -> str:
    """The text without NUL and half surrogate pairs, which neither PostgreSQL nor UTF-8 can hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
