"""Folds committed tallies into the rows of the roll-ups, each exactly once.

One transaction deletes tallies and adds them to the rows, so a worker that dies leaves both unchanged. A tally that is
not committed yet is left to a later fold. An advisory lock allows one fold at a time, because the rows are read, added
to and written back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from postbacks.advisory_locks import FOLD_LOCK
from postbacks.database import not_for_long
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
    sums: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for at, text in taken:
        periods = [(period, beginning_of(period, at)) for period in Rollup.Period]
        for postback, counts in orjson.loads(text).items():
            for period, beginning in periods:
                sums[period, beginning, int(postback)].update(counts)
                sums[period, beginning, ALL].update(counts)
    if not sums:
        return
    for row in _rows(sums):
        sums[row.period, row.at, row.postback_key].update(_counts_of(row))
    Rollup.objects.bulk_create(
        [row_of(key, counts) for key, counts in sorted(sums.items())],
        update_conflicts=True,
        unique_fields=["period", "postback_key", "at"],
        update_fields=[*COLUMNS, "details"],
    )


def _rows(keys: Iterable[Key]) -> Iterable[Rollup]:
    """The existing rows of these keys. The few pairs of period and beginning each become a condition of the query."""
    wanted: defaultdict[tuple[str, datetime], list[int]] = defaultdict(list)
    for period, at, postback in keys:
        wanted[period, at].append(postback)
    asked = Q()
    for (period, at), postbacks in wanted.items():
        asked |= Q(period=period, at=at, postback_key__in=postbacks)
    return Rollup.objects.filter(asked)


def _counts_of(row: Rollup) -> dict[str, int]:
    return {**{name: getattr(row, name) for name in COLUMNS}, **row.details}


def beginning_of(period: str, at: datetime) -> datetime:
    """When the period begins in which something was counted."""
    if period == Rollup.Period.EVER:
        return EVER
    minute = at.replace(second=0, microsecond=0)
    return minute.replace(minute=0) if period == Rollup.Period.HOUR else minute


def row_of(key: Key, counts: Counter[str]) -> Rollup:
    """The counts as a row of the roll-ups, not saved."""
    period, at, postback = key
    details = {name: number for name, number in counts.items() if name not in COLUMNS}
    columns = {name: counts[name] for name in COLUMNS}
    return Rollup(period=period, at=at, postback_key=postback, details=details, **columns)


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
