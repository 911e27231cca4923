"""Works through the kinds in many short transactions.

Each transaction takes as many rows as the last one did in about BATCH_SECONDS, so fewer while the server is busy or
reads from a slow disk, and skips locked ones. A pause as long as the transaction follows, so that sending and recording
have the server at least half of the time. An advisory lock on its own connection allows one pruner at a time. It may be
stopped or killed at any moment, and continues from there the next time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg2 import extensions

from operations.retention import partitions
from operations.retention.ages import Ages
from operations.retention.kinds import DELIVERIES, KINDS, LEFT_OVER, NOT_PERSONAL, PERSONAL, TEXTS, RetainedKind
from postbacks import database
from postbacks.advisory_locks import PRUNE_LOCK, held
from postbacks.delivery import heartbeat

BATCH_SECONDS = 0.05  # So long others may wait for a row, or for a processor.
FIRST_ROWS = 500  # Little, until it is known how fast the server is.
FEWEST_ROWS = 100  # Of fewer, the commit would cost more than the rows.
MOST_ROWS = 5_000  # Locked at a time, and as much memory as their ids take.
LEAST_PAUSE_SECONDS = 0.02
COMPACTED_FOR_DAYS = 7  # For fewer, the copy would not be worth its writes.

Pause = Callable[[float], bool]  # Waits this many seconds; true means stop now.


class BusyError(RuntimeError):
    """Another process is pruning."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did. `gone` counts rows, and `held` those that are old enough but still needed; `dropped` and
    `compacted` name partitions of attempts. `whole`: the run finished."""

    gone: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    compacted: list[str] = field(default_factory=list)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Look:
    last: int | None  # The id up to which everything was checked; None: nothing is left.
    goes: list[int]
    held: list[int]

    @property
    def bounds(self) -> dict[str, Any]:
        """The ids that go, which are in order, and the lowest and the highest."""
        return {"ids": self.goes, "low": self.goes[0] if self.goes else 0, "high": self.goes[-1] if self.goes else 0}


def prune(
    ages: Ages | None = None,
    *,
    dry_run: bool = False,
    again: bool = False,
    seconds: float = float("inf"),
    pause: Pause | None = None,
    watch: Callable[[int], object] = lambda _: None,
    now: datetime | None = None,
) -> Result:
    """Deletes what is too old, or only counts it, for up to `seconds`. With `again`, it starts from the beginning.
    `watch` is told how many rows were looked at, batch by batch.

    Raises BusyError, and psycopg2.Error if the database is unreachable or refuses a batch, which then is unchanged.
    """
    ages, now = ages or Ages.from_settings(), now or datetime.now(UTC)
    until = time.monotonic() + seconds
    result = Result()
    with _alone() as connection:
        if again and not dry_run:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM postbacks_pruned")
        for kind in KINDS:
            days = getattr(ages, kind.name)
            if days is None:
                continue
            run = _Run(connection, kind, now - timedelta(days=days), result, watch, dry_run=dry_run)
            with closing(_steps(run, ages, result, dry_run=dry_run)) as steps:
                for took in steps:
                    wait = max(took, LEAST_PAUSE_SECONDS)
                    if (pause or _sleep)(0.0 if dry_run else wait) or time.monotonic() > until:
                        return replace(result, whole=False)
        if not dry_run:
            _tidy_up(connection)
            with connection.cursor() as cursor:
                heartbeat.note(cursor, heartbeat.PRUNE)
    return result


def next_rows(rows: int, seconds: float) -> int:
    """How many rows the next transaction is to take, where so many took so long: at most twice as many."""
    wanted = round(rows * BATCH_SECONDS / max(seconds, BATCH_SECONDS / 2))
    return max(FEWEST_ROWS, min(wanted, MOST_ROWS))


def _steps(run: _Run, ages: Ages, result: Result, *, dry_run: bool) -> Generator[float, None, None]:
    """Whole partitions first, then row by row; yields the seconds of each step."""
    if run.kind is TEXTS and not dry_run and _texts_go_long_before(ages):
        yield from partitions.compact_old(run.connection, run.before, result.compacted)
    if run.kind is DELIVERIES:
        days = ages.deliveries or 0
        if dry_run:
            run.values["waits_from"] = partitions.waits_from(run.connection, run.before, days)
        else:
            waits_from = yield from partitions.drop_old(run.connection, run.before, days, result.dropped)
            run.values["waits_from"] = waits_from
    yield from run.batches()


def _texts_go_long_before(ages: Ages) -> bool:
    """Whether it is worthwhile to compact what will be dropped later."""
    return ages.deliveries is None or ages.deliveries - (ages.texts or 0) > COMPACTED_FOR_DAYS


def _tidy_up(connection: extensions.connection) -> None:
    with connection.cursor() as cursor:
        for statement in LEFT_OVER:
            cursor.execute(statement, {"most": FIRST_ROWS})
            while cursor.rowcount:
                cursor.execute(statement, {"most": FIRST_ROWS})


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@contextmanager
def _alone() -> Iterator[extensions.connection]:
    connection = database.connect("prune")
    try:
        with held(connection, PRUNE_LOCK) as got:
            if not got:
                raise BusyError("Another process is already pruning.")
            yield connection
    finally:
        connection.close()


class _Run:
    """One kind, from where the last run ended, or from the beginning."""

    def __init__(
        self,
        connection: extensions.connection,
        kind: RetainedKind,
        before: datetime,
        result: Result,
        watch: Callable[[int], object],
        *,
        dry_run: bool,
    ) -> None:
        self.connection = connection
        self.kind = kind
        self.before = before
        self._result = result
        self._watch = watch
        self._dry_run = dry_run
        self.values: dict[str, Any] = {
            "before": before,
            "most": FIRST_ROWS,
            "personal": PERSONAL,
            "not_personal": NOT_PERSONAL,
        }

    def batches(self) -> Iterator[float]:
        """Works batch by batch; yields the seconds that each took."""
        if self.kind.look_again:
            yield from self._through(self.kind.look_again, 0, again=True)
        yield from self._through(self.kind.look, self._up_to(), again=False)

    def _through(self, statement: str, after: int, *, again: bool) -> Iterator[float]:
        while True:
            began = time.monotonic()
            with self._transaction() as cursor:
                look = self._look(cursor, statement, after)
                if look.goes or look.held:
                    self._take(cursor, look, again=again)
                if look.last is not None and not again and not self._dry_run:
                    self._note(cursor, look.last)
            if look.last is None:
                return
            after = look.last
            self._watch(len(look.goes) + len(look.held))
            took = time.monotonic() - began
            self.values["most"] = next_rows(self.values["most"], took)
            yield took

    @contextmanager
    def _transaction(self) -> Iterator[extensions.cursor]:
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if not self.connection.closed:
                    cursor.execute("ROLLBACK")
                raise

    def _look(self, cursor: extensions.cursor, statement: str, after: int) -> _Look:
        cursor.execute(statement, self.values | {"after": after})
        rows: list[tuple[int, str]] = cursor.fetchall()
        young = next((place for place, (_, verdict) in enumerate(rows) if verdict == "young"), len(rows))
        rows = rows[:young]
        return _Look(
            rows[-1][0] if rows else None,
            [row for row, verdict in rows if verdict == "goes"],
            [row for row, verdict in rows if verdict == "held"],
        )

    def _take(self, cursor: extensions.cursor, look: _Look, *, again: bool) -> None:
        name, gone = self.kind.name, len(look.goes)
        if not self._dry_run:
            cursor.execute(self.kind.prune, self.values | look.bounds)
            if not self.kind.remembers:
                gone = cursor.rowcount
            if again:
                cursor.execute(
                    "DELETE FROM postbacks_keptback WHERE kind = %s AND row_id = ANY (%s)", (name, look.goes)
                )
            else:
                cursor.execute(
                    "INSERT INTO postbacks_keptback (kind, row_id) SELECT %s, unnest(%s::bigint[])"
                    " ON CONFLICT DO NOTHING",
                    (name, look.held),
                )
        self._result.gone[name] += gone
        self._result.held[name] += len(look.held)

    def _up_to(self) -> int:
        if not self.kind.remembers:
            return 0
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT up_to FROM postbacks_pruned WHERE kind = %s", (self.kind.name,))
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def _note(self, cursor: extensions.cursor, last: int) -> None:
        if self.kind.remembers:
            cursor.execute(
                "INSERT INTO postbacks_pruned (kind, up_to) VALUES (%s, %s)"
                " ON CONFLICT (kind) DO UPDATE SET up_to = excluded.up_to",
                (self.kind.name, last),
            )
