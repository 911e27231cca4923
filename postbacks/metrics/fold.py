"""Folds committed tallies into the rows of the roll-ups, each exactly once.

One transaction deletes tallies and adds them to the rows, so a worker that dies leaves both unchanged. A tally that is
not committed yet is left to a later fold. An advisory lock allows one fold at a time, because the rows are read, added
to and written back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from postbacks.advisory_locks import FOLD_LOCK
from postbacks.database import not_for_long, raw_cursor
from postbacks.metrics.counters import COLUMNS
from postbacks.models import Rollup

ALL = 0  # The key of all postbacks together.
EVER = datetime(1970, 1, 1, tzinfo=UTC)  # The start of the period without a start.
MOST_TALLIES = 5_000  # In one transaction; a few megabytes.

TAKE = """
DELETE FROM postbacks_tally
WHERE id = ANY (ARRAY(SELECT id FROM postbacks_tally ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING at, counts
"""

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
    """Folds all committed tallies; returns how many. If another process is folding: waits, or does nothing."""
    folded = 0
    while True:
        with transaction.atomic():
            if not _alone(wait=wait):
                return folded
            not_for_long()
            taken = _take()
            _add(taken)
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


def _add(taken: Iterable[tuple[datetime, str]]) -> None:
    sums = _summed(taken)
    if not sums:
        return
    # Not by models: a drain to a thousand postbacks changes three thousand rows each time.
    with raw_cursor() as cursor:
        cursor.execute(READ, (orjson.dumps([_named(key) for key in sums]).decode(),))
        for period, at, postback, details, *columns in cursor.fetchall():
            for name, number in (*zip(COLUMNS, columns, strict=True), *orjson.loads(details).items()):
                sums[period, at, postback][name] += number
        rows = [_named(key) | _columns(counts) for key, counts in sorted(sums.items())]
        cursor.execute(WRITE, (orjson.dumps(rows).decode(),))


def _summed(taken: Iterable[tuple[datetime, str]]) -> dict[Key, Counter[str]]:
    by_minute: defaultdict[tuple[datetime, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for at, text in taken:
        minute = beginning_of(Rollup.Period.MINUTE, at)
        for postback, counts in orjson.loads(text).items():
            counted = by_minute[minute, postback]
            for name, number in counts.items():
                counted[name] += number
    sums: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for (minute, postback), counts in by_minute.items():
        for period in Rollup.Period:
            beginning = beginning_of(period, minute)
            for key in (int(postback), ALL):
                summed = sums[str(period), beginning, key]
                for name, number in counts.items():
                    summed[name] += number
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


def row_of(key: Key, counts: Counter[str]) -> Rollup:
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
