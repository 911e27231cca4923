"""Whether a deployment has everything it needs, for `/readyz`: told within a second, even when a server hangs.

The log has the details of a failure; the HTTP response says what to fix, but names neither hosts nor users.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg2
from redis.exceptions import RedisError

from environment.program import command
from operations import migrations
from operations.advice import DATABASE, REDIS, fix_of
from operations.asking import Asker
from operations.redis_client import quick_client
from operations.standstill import judge_sending, read_sending, read_trouble
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import heartbeat, leases

logger = logging.getLogger(__name__)

DATABASE_SECONDS = 3.0
REDIS_SECONDS = 2.0
KEPT_SECONDS = 1.0
# Every caller has an answer within a second, also where the threads that hand it on wait for a processor meanwhile.
ANSWER_SECONDS = 0.5
# A look that takes longer than a busy server would need is told; before that, what the last one found.
HANGS_SECONDS = 3.0
HANGS = "Check that its host runs, and that nothing stops its processes or holds its locks."
# Another process may be writing the same row at this moment.
WRITE_LOCK_MS = 500
# Without beat, a worker sweeps after 4 s; a busy database may need longer.
MOST_SWEEP_LAG_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is needed. `fix` says what to do; it is empty if all is well."""

    name: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        return not self.fix


class Look:
    """The checks of one server, on a thread of their own: it may hang without end, and who asks does not wait for it.

    Each process looks at most once per KEPT_SECONDS, because anyone may ask.
    """

    def __init__(self, name: str, look: Callable[[], Iterable[Check]]) -> None:
        self._name = name
        self._look = look
        self._changed = threading.Condition()
        self._looking_since: float | None = None  # On the monotonic clock, as below.
        self._kept: list[Check] = []
        self._fresh_until = 0.0

    def begin(self) -> None:
        """Starts a look, unless one is under way or the last is fresh."""
        with self._changed:
            now = time.monotonic()
            if self._looking_since is None and now >= self._fresh_until:
                self._looking_since = now
                threading.Thread(target=self._run, name=f"look at {self._name}", daemon=True).start()

    def result(self, until: float) -> list[Check]:
        """What was found: waits for a look under way, but not longer than `until`; then tells the last one's."""
        with self._changed:
            self._changed.wait_for(lambda: self._looking_since is None, max(0.0, until - time.monotonic()))
            if self._looking_since is None:
                return self._kept
            looked_for = time.monotonic() - self._looking_since
            if self._kept and looked_for < HANGS_SECONDS:
                return self._kept
            hanging = Check(self._name, f"{self._name.capitalize()} has not answered for {looked_for:.0f} s. {HANGS}")
            return [hanging, *(check for check in self._kept if check.name != self._name)]

    def forget(self) -> None:
        """Makes the next call look again."""
        self._fresh_until = 0.0

    def _run(self) -> None:
        try:
            found = list(self._look())
        except Exception:
            logger.exception("The look at %s failed.", self._name)
            found = [Check(self._name, f"The look at {self._name} failed. See the log of the web.")]
        with self._changed:
            self._kept = found
            self._fresh_until = time.monotonic() + KEPT_SECONDS
            self._looking_since = None
            self._changed.notify_all()


class Checks:
    """The looks at several servers, at the same time. A call answers within ANSWER_SECONDS."""

    def __init__(self, *looks: Look) -> None:
        self._looks = looks

    def __call__(self) -> list[Check]:
        until = time.monotonic() + ANSWER_SECONDS
        for look in self._looks:
            look.begin()
        return [check for look in self._looks for check in look.result(until)]

    def forget(self) -> None:
        """Makes the next call look again."""
        for look in self._looks:
            look.forget()


def _database(*, workers: bool) -> Iterator[Check]:
    try:
        with Asker(DATABASE_SECONDS) as asker:
            yield Check("database", _refuses_writes(asker))
            yield _migrations(asker)
            if workers:
                yield from _workers(asker)
    except psycopg2.Error as error:
        logger.warning("Not ready: the database does not answer (%s).", str(error).strip())
        fix = fix_of(error, DATABASE, "Check that it runs and that DATABASE_URL is correct.")
        yield Check("database", f"The database does not answer. {fix}")


def _refuses_writes(asker: Asker) -> str:
    """What to do if the database takes no writes; empty if it does, or if that cannot be told."""
    try:
        asker.ask(f"SET LOCAL lock_timeout = {WRITE_LOCK_MS}; {heartbeat.NOTE} RETURNING 1", [heartbeat.PROBE])
    except psycopg2.errors.DiskFull:
        return "The database takes no writes: its disk is full. Free space on it. Workers keep what they have sent."
    except psycopg2.errors.ReadOnlySqlTransaction:
        return "The database takes no writes: it is a standby or read-only. Set DATABASE_URL to the primary server."
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.UndefinedTable):
        return ""  # Another process writes the same row; or a migration is missing, which has its own check.
    return ""


def _migrations(asker: Asker) -> Check:
    fix = f"Run `{command('migrate')}`: the database lacks "
    try:
        missing = migrations.missing((app, name) for app, name in asker.ask(migrations.APPLIED))
    except psycopg2.errors.UndefinedTable:
        return Check("migrations", f"{fix}all tables.")
    return Check("migrations", f"{fix}{', '.join(missing)}." if missing else "")


def _workers(asker: Asker) -> Iterator[Check]:
    (processes,) = asker.ask(leases.LIVING, [LEASE_LOCKS])[0]
    yield Check("worker", "" if processes else "No worker process is running. Start one: celery --app config worker.")
    if processes:
        yield _sending(asker)
    try:
        ages: dict[str, float] = {name: age for name, age in asker.ask(heartbeat.AGES)}  # noqa: C416 -- typed so
        lag = ages.get(heartbeat.SWEEP)
    except psycopg2.errors.UndefinedTable:
        lag = None
    if lag is not None and lag <= MOST_SWEEP_LAG_SECONDS:
        yield Check("sweep")
    else:
        when = "never" if lag is None else f"{lag:.0f} s ago"
        yield Check("sweep", f"The last sweep was {when}. Check that a worker runs, and its log.")


def _sending(asker: Asker) -> Check:
    wrong = judge_sending(read_sending(asker), read_trouble())
    return Check("sending", " ".join((wrong[0], wrong[1])) if wrong else "")


def _redis() -> Iterator[Check]:
    client = quick_client(REDIS_SECONDS)
    try:
        # A write, because a Redis that is full or a replica also answers a ping.
        client.set("postbacks:probe", 1, ex=60)
    except RedisError as error:
        logger.warning("Not ready: Redis does not accept writes (%s).", error)
        fix = fix_of(error, REDIS, "Check that it runs, has memory, and that REDIS_URL is correct.")
        yield Check("redis", f"Redis does not accept writes. {fix}")
    else:
        yield Check("redis")
    finally:
        client.close()


# What is needed to accept reports: the database and its tables.
web_checks = Checks(Look("database", lambda: _database(workers=False)))
# What is also needed to send postbacks: Redis, and workers that send.
all_checks = Checks(Look("database", lambda: _database(workers=True)), Look("redis", _redis))
