"""Drops whole partitions whose deliveries are old enough: a lock of some milliseconds, however many rows they have."""

# ruff: noqa: S608 -- names of tables and columns are constants or come from the catalog

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import extensions

from postbacks.database import as_array
from postbacks.delivery_states import SQL_UNFINISHED
from postbacks.partitions.briefly import briefly
from postbacks.partitions.copying import purpose
from postbacks.partitions.ranges import TABLE, Range, columns, ranges
from postbacks.partitions.tables import KEY

# Deliveries of an old partition that are not old enough, whose attempts go to REST. Of more, as where a postback is
# paused for a year, the partition stays, and the others' rows are deleted one by one.
MOST_STRAGGLERS: Final = 5_000
_WINDOW: Final = 50_000  # Ids that one statement looks at.
_TRIES: Final = 6  # Some seconds; the next hour tries again.

# When a range was full, which is the age of its youngest delivery or a little less.
_FULL_AT = "SELECT created_at FROM postbacks_delivery WHERE id >= %s ORDER BY id LIMIT 1"
_STRAGGLERS = f"""
SELECT id FROM postbacks_delivery
WHERE id >= %s AND id < %s AND (state IN {SQL_UNFINISHED} OR finished_at >= %s)
"""


@dataclass(frozen=True, slots=True)
class Full:
    """A partition that gets no new deliveries any more, and since when."""

    range: Range
    at: datetime


def full_ranges(cursor: extensions.cursor) -> list[Full]:
    """All partitions that get no new deliveries any more, the oldest first."""
    found = []
    for each in ranges(cursor):
        cursor.execute(_FULL_AT, (each.high,))
        row = cursor.fetchone()
        if row is None:
            break
        found.append(Full(each, row[0]))
    return found


def may_drop(cursor: extensions.cursor) -> bool:
    """Not while a copy of all rows is under way: it would keep what was dropped."""
    return purpose(cursor) is None


def drop(connection: extensions.connection, old: Range, before: datetime) -> Iterator[bool]:
    """Drops one partition, with all but the attempts of deliveries that have not ended `before`.

    Yields False after each step that only looked, and at last whether the partition is gone. Raises InTheWayError where
    somebody uses it without a break.
    """
    stragglers: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM postbacks_delivery WHERE id >= %s ORDER BY id LIMIT 1", (old.low,))
        (low,) = cursor.fetchone() or (old.high,)
        while low < old.high:
            high = min(low + _WINDOW, old.high)
            cursor.execute(_STRAGGLERS, (low, high, before))
            stragglers += [pk for (pk,) in cursor.fetchall()]
            yield False
            if len(stragglers) > MOST_STRAGGLERS:
                return
            low = high
    briefly(connection, lambda cursor: _drop(cursor, old.table, stragglers), TABLE, tries=_TRIES)
    yield True


def _drop(cursor: extensions.cursor, table: str, stragglers: list[int]) -> None:
    cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {table}")
    if stragglers:
        listed = columns(cursor)
        cursor.execute(
            f"INSERT INTO {TABLE} ({listed}) SELECT {listed} FROM {table} WHERE {KEY} = ANY (%s)",
            (as_array(stragglers),),
        )
    cursor.execute(f"DROP TABLE {table}")
