"""Whether a deployment has everything it needs, for `/readyz`: quick, and never hanging.

The log has the details of a failure; the HTTP response says what to fix, but names neither hosts nor users.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg2
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from operations import migrations
from operations.asking import Asker
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import heartbeat, leases

logger = logging.getLogger(__name__)

DATABASE_SECONDS = 3.0
REDIS_SECONDS = 2.0
KEPT_SECONDS = 1.0
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


class Checks:
    """A set of checks, which each process runs at most once per KEPT_SECONDS, because anyone may ask."""

    def __init__(self, look: Callable[[], Iterable[Check]]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._kept: list[Check] = []
        self._until = 0.0  # On the monotonic clock.

    def __call__(self) -> list[Check]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = list(self._look())
                self._until = time.monotonic() + KEPT_SECONDS
            return self._kept

    def forget(self) -> None:
        """Makes the next call run the checks again."""
        self._until = 0.0


def _database(*, workers: bool) -> Iterator[Check]:
    try:
        with Asker(DATABASE_SECONDS) as asker:
            yield Check("database")
            yield _migrations(asker)
            if workers:
                yield from _workers(asker)
    except psycopg2.Error as error:
        logger.warning("Not ready: the database does not answer (%s).", str(error).strip())
        yield Check("database", "The database does not answer. Check that it runs and that DATABASE_URL is correct.")


def _migrations(asker: Asker) -> Check:
    fix = "Run `python manage.py migrate`: the database lacks "
    try:
        missing = migrations.missing((app, name) for app, name in asker.ask(migrations.APPLIED))
    except psycopg2.errors.UndefinedTable:
        return Check("migrations", f"{fix}all tables.")
    return Check("migrations", f"{fix}{', '.join(missing)}." if missing else "")


def _workers(asker: Asker) -> Iterator[Check]:
    (processes,) = asker.ask(leases.LIVING, [LEASE_LOCKS])[0]
    yield Check("worker", "" if processes else "No worker process is running. Start one: celery --app config worker.")
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


def _redis() -> Check:
    client: Redis = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        # A write, because a Redis that is full or a replica also answers a ping.
        client.set("postbacks:probe", 1, ex=60)
    except RedisError as error:
        logger.warning("Not ready: Redis does not accept writes (%s).", error)
        return Check(
            "redis", "Redis does not accept writes. Check that it runs, has memory, and that REDIS_URL is correct."
        )
    finally:
        client.close()
    return Check("redis")


# What is needed to accept reports: the database and its tables.
web_checks = Checks(lambda: _database(workers=False))
# What is also needed to send postbacks: Redis, and workers that sweep.
all_checks = Checks(lambda: [*_database(workers=True), _redis()])
