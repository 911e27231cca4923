"""Cancels what receivers have had already, by the ids under which they know it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from postbacks.database import raw_cursor
from postbacks.delivery import known_ids
from postbacks.delivery.cancel import cancel
from postbacks.delivery_states import SQL_WAITING

REASON: Final = "Its receiver has had it: it was sent before the database was restored."
AT_ONCE: Final = 1_000  # In one transaction.
_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)  # Of deliveries of earlier releases.
_WAITING: Final = f"""
SELECT d.id, {known_ids.sent_as("d")} FROM postbacks_delivery d
WHERE d.state IN {SQL_WAITING} AND d.id > %s ORDER BY d.id LIMIT %s
"""  # noqa: S608 -- made of constants


class UnreadableIdsError(Exception):
    """The file has a line that is no id; the text says which."""


def read_ids(lines: Iterable[str]) -> set[str]:
    """The values of `{DeliveryId}` in the lines, one each; empty lines do not count.

    Raises:
        UnreadableIdsError: a line is something else.
    """
    found = set()
    for number, line in enumerate(lines, start=1):
        text = line.strip().strip('"').removeprefix("\ufeff")
        if not text:
            continue
        try:
            found.add(text if _NUMBER.fullmatch(text) else str(UUID(text)))
        except ValueError:
            raise UnreadableIdsError(f"line {number}: {text[:60]!r} is no {{DeliveryId}}.") from None
    return found


def cancel_had(ids: set[str]) -> int:
    """Cancel those that wait among `ids`; returns how many."""
    cancelled = 0
    batch: list[int] = []
    for pk, sent_as in _waiting():
        if sent_as in ids:
            batch.append(pk)
        if len(batch) == AT_ONCE:
            cancelled += len(cancel(batch, REASON))
            batch = []
    return cancelled + (len(cancel(batch, REASON)) if batch else 0)


def _waiting() -> Iterator[tuple[int, str]]:
    last = 0
    while True:
        with raw_cursor() as cursor:
            cursor.execute(_WAITING, [last, 10 * AT_ONCE])
            rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]
