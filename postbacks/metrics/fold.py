"""Folds committed tallies into the rows of the roll-ups, each exactly once.

A row costs far more than a count: so rows are written when their minute is over, and until then the tallies of a minute
are merged into one, which is a tally like others. Readers add what is not folded yet.

One transaction deletes tallies and adds them to rows or to the merged one, so a worker that dies leaves all unchanged.
A tally that is not committed yet is left to a later fold. An advisory lock allows one fold at a time, because the rows
are read, added to and written back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from postbacks.advisory_locks import FOLD_LOCK
from postbacks.database import not_for_long
from postbacks.metrics.counters import COLUMNS
from postbacks.metrics.tally import Summed, add, added, total
from postbacks.models import Rollup

ALL = 0  # The key of all postbacks together.
EVER = datetime(1970, 1, 1, tzinfo=UTC)  # The start of the period without a start.
MOST_TALLIES = 5_000  # In one transaction; a few megabytes.

TAKE = """
DELETE FROM postbacks_tally
WHERE id = ANY (ARRAY(SELECT id FROM postbacks_tally ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING at, counts
"""
# The minute is the database's, as the times of tallies are.
THIS_MINUTE = "SELECT date_trunc('minute', now())"
MERGE = "INSERT INTO postbacks_tally (at, counts) VALUES (%s, %s)"

_COLUMNS = ", ".join(COLUMNS)
_KEYS = "period text, at timestamptz, postback_key bigint"
READ = f"""
SELECT r.period, r.at, r.postback_key, r.details::text, {", ".join(f"r.{name}" for name in COLUMNS)}
FROM json_to_recordset(%s) AS k ({_KEYS}) JOIN postbacks_rollup r USING (period, at, postback_key)
"""  # noqa: S608 -- names
WRITE = f"""
INSERT INTO postbacks_rollup (period, at, postback_key, details, {_COLUMNS})
SELECT period, at, postback_key, details, {_COLUMNS}
FROM json_to_recordset(%s) AS r ({_KEYS}, details jsonb, {", ".join(f"{name} bigint" for name in COLUMNS)})
ON CONFLICT (period, postback_key, at) DO UPDATE
SET details = excluded.details, {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
"""  # noqa: S608 -- names

Key = tuple[str, datetime, int]  # Period, its beginning, postback or ALL.


def fold(*, wait: bool = False) -> int:
    """Adds all committed tallies to the rows; returns how many. If another process is folding: waits, or does
    nothing."""
    return _fold(wait=wait, to_rows=_add)


def fold_ended() -> int:
    """Adds to the rows what was counted in minutes that are over, and merges the rest: one tally for the minute.

    Returns how many tallies it took. If another process is folding, it does nothing.
    """
    return _fold(wait=False, to_rows=_add_ended)


def _fold(*, wait: bool, to_rows: Callable[[dict[datetime, Summed]], None]) -> int:
    folded = 0
    while True:
        with transaction.atomic():
            if not _alone(wait=wait):
                return folded
            not_for_long()
            taken = _take()
            to_rows(added(taken))
            if len(taken) < MOST_TALLIES:
                return folded + len(taken)
        folded += len(taken)


def _alone(*, wait: bool) -> bool:
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", FOLD_LOCK)
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", FOLD_LOCK)
        return bool(cursor.fetchone()[0])


def _take() -> list[tuple[datetime, str]]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, (MOST_TALLIES,))
        return list(cursor.fetchall())


def _add_ended(by_minute: dict[datetime, Summed]) -> None:
    if not by_minute:
        return
    with connection.cursor() as cursor:
        cursor.execute(THIS_MINUTE)
        (this,) = cursor.fetchone()
        for minute in [minute for minute in by_minute if minute >= this]:
            # At the beginning of its minute, as the row will be.
            cursor.execute(MERGE, (minute, orjson.dumps(by_minute.pop(minute)).decode()))
    _add(by_minute)


def _add(by_minute: dict[datetime, Summed]) -> None:
    sums = _by_row(by_minute)
    if not sums:
        return
    # Not by models: after a drain to a thousand postbacks these are three thousand rows.
    with connection.cursor() as cursor:
        cursor.execute(READ, (orjson.dumps([_named(key) for key in sums]).decode(),))
        for period, at, postback, details, *columns in cursor.fetchall():
            row = dict(zip(COLUMNS, columns, strict=True)) | orjson.loads(details)
            add(row, sums[period, at, postback])
            sums[period, at, postback] = row
        rows = [_named(key) | _columns(counts) for key, counts in sorted(sums.items())]
        cursor.execute(WRITE, (orjson.dumps(rows).decode(),))


def _by_row(by_minute: Mapping[datetime, Summed]) -> dict[Key, dict[str, int]]:
    """What to add to each row. Several may share their counts, so these are not to be changed."""
    sums: dict[Key, dict[str, int]] = {}
    for minute, of_minute in by_minute.items():
        of_each = {int(postback): counts for postback, counts in of_minute.items()}
        of_each[ALL] = total(of_minute.values())
        for period in Rollup.Period:
            beginning = beginning_of(period, minute)
            for postback, counts in of_each.items():
                key = str(period), beginning, postback
                sums[key] = total((sums[key], counts)) if key in sums else counts
    return sums


def _named(key: Key) -> dict[str, Any]:
    return dict(zip(("period", "at", "postback_key"), key, strict=True))


def _columns(counts: Mapping[str, int]) -> dict[str, Any]:
    """The counts as columns of a row of the roll-ups."""
    details = {name: number for name, number in counts.items() if name not in COLUMNS}
    return {**{name: counts.get(name, 0) for name in COLUMNS}, "details": details}


def beginning_of(period: str, at: datetime) -> datetime:
    """When the period begins in which something was counted."""
    if period == Rollup.Period.EVER:
        return EVER
    minute = at.replace(second=0, microsecond=0)
    return minute.replace(minute=0) if period == Rollup.Period.HOUR else minute


def row_of(key: Key, counts: Mapping[str, int]) -> Rollup:
    """The counts as a row of the roll-ups, not saved."""
    return Rollup(**_named(key), **_columns(counts))


def prune() -> None:
    """Deletes rows older than the settings allow. The task calls it after each fold, so it deletes a few at a time."""
    now = timezone.now()
    with transaction.atomic():
        not_for_long()
        for period, days in (
            (Rollup.Period.MINUTE, settings.POSTBACKS_ROLLUP_MINUTES_KEPT_DAYS),
            (Rollup.Period.HOUR, settings.POSTBACKS_ROLLUP_HOURS_KEPT_DAYS),
        ):
            Rollup.objects.filter(period=period, at__lt=now - timedelta(days=days)).delete()
