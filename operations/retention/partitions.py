"""What becomes of whole partitions of attempts: those of old deliveries are dropped, those of old texts compacted.

Without partitions all of this does nothing, and rows go one by one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import Final

import psycopg2
from psycopg2 import extensions

from partners.ids import MAX_ID
from postbacks.partitions.briefly import InTheWayError
from postbacks.partitions.compaction import compact, is_worthwhile
from postbacks.partitions.dropping import Full, drop, full_ranges, may_drop

logger = logging.getLogger(__name__)

# Deliveries wait for the others of their partition so long, as a part of their age, and at least a day: deleted row by
# row, most would be gone before their partition is old enough to be dropped.
_WAITS: Final = 1 / 20
_LEAST_WAIT: Final = timedelta(days=1)
# So long somebody may be in the way of a partition each hour; then its rows go one by one.
_PATIENCE: Final = timedelta(days=7)
# Retries of an old partition's deliveries are over by then, and their texts old enough.
_SETTLED: Final = timedelta(days=3)


def drop_old(
    connection: extensions.connection, before: datetime, days: int, dropped: list[str]
) -> Generator[float, None, int]:
    """Drops the partitions of deliveries that ended `before`, after so many days, and names them.

    Yields the seconds of each step. Returns the lowest id of the deliveries that wait, as `waits_from`.
    """
    for full in _full(connection):
        if full.at >= before:
            break
        began = time.monotonic()
        try:
            for gone in drop(connection, full.range, before):
                if gone:
                    dropped.append(full.range.table)
                yield time.monotonic() - began
                began = time.monotonic()
        except InTheWayError as error:
            logger.warning("Partition %s stays until the next hour: %s", full.range.table, error)
            if full.at > before - _PATIENCE:
                return full.range.low
            break
        except psycopg2.errors.InsufficientPrivilege as error:
            logger.warning("Partition %s is emptied row by row: %s", full.range.table, str(error).strip())
            break
    return waits_from(connection, before, days)


def waits_from(connection: extensions.connection, before: datetime, days: int) -> int:
    """The lowest id of the deliveries that wait for others of their partition."""
    until = before + max(_LEAST_WAIT, timedelta(days=days) * _WAITS)
    return next((full.range.low for full in _full(connection) if before <= full.at < until), MAX_ID)


def compact_old(connection: extensions.connection, before: datetime, compacted: list[str]) -> Iterator[float]:
    """Compacts the partitions of attempts that began `before`, and names them; yields the seconds of each step."""
    for full in _full(connection):
        if full.at >= before - _SETTLED:
            return
        with connection.cursor() as cursor:
            if not is_worthwhile(cursor, full.range):
                continue
        began = time.monotonic()
        try:
            for _ in compact(connection, full.range, before):
                yield time.monotonic() - began
                began = time.monotonic()
        except InTheWayError as error:
            logger.warning("Partition %s keeps its size until the next hour: %s", full.range.table, error)
            return
        except psycopg2.errors.InsufficientPrivilege as error:
            logger.warning("Partition %s keeps its size: %s", full.range.table, str(error).strip())
            return
        compacted.append(full.range.table)


def _full(connection: extensions.connection) -> list[Full]:
    with connection.cursor() as cursor:
        return full_ranges(cursor) if may_drop(cursor) else []
