"""Reads the roll-ups: sums over a time, for one postback, for each, or for all together.

What is committed but not folded yet is added, so that a sum is that of the rows of the same moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from postbacks.metrics.counters import (
    COLUMNS,
    FIRST,
    FIRST_SUCCEEDED,
    LAG,
    LAG_SECONDS,
    TOOK,
    TOOK_MS,
    WHY,
    histogram,
    percentile,
)
from postbacks.metrics.fold import ALL, EVER, beginning_of, fold, row_of
from postbacks.metrics.tally import added, total
from postbacks.models import Rollup, Tally
from stores.replica import reading

STALE_AFTER = timedelta(seconds=15)  # After a tally's minute. Three times the interval of the fold: nothing is folding.
# Read at most, so that no page takes all memory: more than are written in two minutes, until readers fold themselves.
MOST_UNFOLDED = 20_000


@dataclass(slots=True)
class Sums:
    """What was recorded for some postbacks over some time; the columns are those of `Rollup`."""

    attempts: int = 0
    succeeded: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0
    details: Counter[str] = field(default_factory=Counter)

    def add(self, row: Rollup | Sums) -> None:
        for name in COLUMNS:
            setattr(self, name, getattr(self, name) + getattr(row, name))
        self.details.update(row.details)

    @property
    def success_rate(self) -> float | None:
        """The share (0 to 1) of delivered ones among those delivered or failed; None if there are none."""
        ended = self.delivered + self.failed
        return self.delivered / ended if ended else None

    @property
    def attempt_success_rate(self) -> float | None:
        """The share of successes among all attempts; None if there are none."""
        return self.succeeded / self.attempts if self.attempts else None

    @property
    def first_success_rate(self) -> float | None:
        """The share of successes among the first attempts of deliveries; None if none were counted."""
        first = self.details[FIRST]
        return self.details[FIRST_SUCCEEDED] / first if first else None

    @property
    def failed_attempts(self) -> int:
        return self.attempts - self.succeeded

    @property
    def reasons(self) -> dict[str, int]:
        """Failures by class of `reasons.LABELS`, the most frequent first."""
        found = {name.removeprefix(WHY): count for name, count in self.details.items() if name.startswith(WHY)}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def took_ms(self, share: float) -> float | None:
        """The duration in ms that `share` (0 to 1) of all attempts do not exceed."""
        return percentile(histogram(self.details, TOOK, TOOK_MS), TOOK_MS, share)

    def lag_seconds(self, share: float) -> float | None:
        """The seconds from due to recorded that `share` (0 to 1) of all delivered and failed ones do not exceed."""
        return percentile(histogram(self.details, LAG, LAG_SECONDS), LAG_SECONDS, share)


def catch_up(*, exactly: bool = False) -> None:
    """Folds old tallies if nothing else does; with `exactly`, folds all that are committed, so that sums are exact."""
    if exactly or Tally.objects.filter(at__lt=_minute(timezone.now() - STALE_AFTER)).exists():
        fold(wait=exactly)


def _minute(at: datetime) -> datetime:
    return beginning_of(Rollup.Period.MINUTE, at)


@contextmanager
def one_moment() -> Iterator[datetime]:
    """Everything that is read inside shows the database at one moment, which is handed out: what is committed ended
    before it. Within another transaction it is only nearly so."""
    where = reading.alias()
    connection = connections[where]
    with transaction.atomic(using=where), connection.cursor() as cursor:
        if len(connection.atomic_blocks) == 1:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT clock_timestamp()")
        yield cursor.fetchone()[0]


def ever() -> dict[int, Sums]:
    """Everything ever recorded, by postback; under ALL, for all postbacks together."""
    rows = Rollup.objects.filter(period=Rollup.Period.EVER, at=EVER)
    return {row.postback_key: summed([row]) for row in rows}


def over_time(period: str, since: datetime, postback: int = ALL) -> dict[datetime, Sums]:
    """Sums by the start of each minute or hour since `since`, oldest first; empty ones are left out."""
    rows = Rollup.objects.filter(period=period, postback_key=postback, at__gte=since)
    found: dict[datetime, Sums] = {}
    for row in (*rows, *_unfolded(period, since, [postback])):
        found.setdefault(row.at, Sums()).add(row)
    return dict(sorted(found.items()))


def by_postback(period: str, since: datetime, postbacks: Iterable[int] | None = None) -> dict[int, Sums]:
    """Sums with their details, for the given postbacks or for each that has any."""
    rows = _of_postbacks(period, since)
    keys = None if postbacks is None else list(postbacks)
    if keys is not None:
        rows = rows.filter(postback_key__in=keys)
    found: dict[int, Sums] = {}
    for row in (*rows, *_unfolded(period, since, keys)):
        found.setdefault(row.postback_key, Sums()).add(row)
    return found


def counts_by_postback(period: str, since: datetime, postbacks: list[int] | None = None) -> dict[int, Sums]:
    """Like `by_postback` but without details: the database adds up, for thousands of postbacks."""
    totals: dict[str, Any] = {f"sum_{name}": Sum(name) for name in COLUMNS}
    wanted = _of_postbacks(period, since)
    if postbacks is not None:
        wanted = wanted.filter(postback_key__in=postbacks)
    rows: Any = wanted.order_by().values("postback_key").annotate(**totals)
    found = {row["postback_key"]: Sums(**{name: row[f"sum_{name}"] for name in COLUMNS}) for row in rows}
    for row in _unfolded(period, since, postbacks):
        found.setdefault(row.postback_key, Sums()).add(row)
    return found


def counts_over_time(period: str, since: datetime, postbacks: Collection[int]) -> dict[datetime, Sums]:
    """Like `over_time`, for these postbacks together (or for `[ALL]`), without details, in no order."""
    totals: dict[str, Any] = {f"sum_{name}": Sum(name) for name in COLUMNS}
    wanted = Rollup.objects.filter(period=period, at__gte=since, postback_key__in=postbacks)
    rows: Any = wanted.order_by().values("at").annotate(**totals)
    found = {row["at"]: Sums(**{name: row[f"sum_{name}"] for name in COLUMNS}) for row in rows}
    for row in _unfolded(period, since, postbacks):
        found.setdefault(row.at, Sums()).add(row)
    return found


def summed(rows: Iterable[Rollup]) -> Sums:
    sums = Sums()
    for row in rows:
        sums.add(row)
    return sums


def _of_postbacks(period: str, since: datetime) -> QuerySet[Rollup]:
    return Rollup.objects.filter(period=period, at__gte=since).exclude(postback_key=ALL)


def _unfolded(period: str, since: datetime, keys: Collection[int] | None) -> Iterator[Rollup]:
    """Tallies that wait to be folded, summed to the rows that they would make: of these keys, or of each postback.

    There are few: they are merged each few seconds.
    """
    tallies = Tally.objects.filter(at__gte=since).order_by("id").values_list("at", "counts")[:MOST_UNFOLDED]
    wanted = None if keys is None else set(keys)
    for minute, of_minute in added(tallies).items():
        beginning = beginning_of(period, minute)
        if beginning < since:
            continue
        if wanted is not None and ALL in wanted:
            yield row_of((period, beginning, ALL), total(of_minute.values()))
        for postback, counts in of_minute.items():
            if wanted is None or int(postback) in wanted:
                yield row_of((period, beginning, int(postback)), counts)
