"""The sweep: every second it finds in the rows whatever memory, messages and Redis may have lost.

Celery beat posts it; any worker runs it, one at a time. A worker process that has seen none for some seconds, because
beat is down, runs it on its own. It takes back what dead workers hold and wakes every lane that has
something due. Every half minute it also promotes chains whose promoter died, cancels what is left of deleted postbacks,
fails what was held for a week, and makes partitions ahead. It waits for no row that somebody has locked: the next round
finds it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg2
from psycopg2 import extensions

from postbacks.advisory_locks import SWEEP_LOCK
from postbacks.database import Session
from postbacks.delivery import answered, chains, heartbeat, leases, ready_queue
from postbacks.delivery.claim import lease_seconds
from postbacks.delivery.prepared import PreparedStatement
from postbacks.delivery_states import SQL_WAITING
from postbacks.metrics.reasons import HELD_WEEK
from postbacks.metrics.tally import count_ended
from postbacks.partitions.ahead import MOST_STEPS, make_ahead

logger = logging.getLogger(__name__)

SLOW_EVERY_SECONDS = 30
# Beat posts one a second; of two processes each nearly always gets one this often, and an extra sweep is harmless.
MISSED_AFTER_SECONDS = 4.0
SLOW_TIMEOUT_MS = 60_000

Found = TypeVar("Found")

# `OFFSET 0` keeps the planner from joining: it would read all that is due, each second, where one row of a lane does.
# The order is that of the claim's index. Otherwise it also takes another, where what is being sent or blocked may be in
# front of that row.
DUE = """
SELECT p.id FROM postbacks_postback p LEFT JOIN postbacks_lane l ON l.postback_id = p.id
WHERE p.paused_at IS NULL AND p.deleted_at IS NULL AND (l.held_since IS NULL OR l.probe_at <= now()) AND EXISTS (
    SELECT 1 FROM postbacks_delivery d
    WHERE d.postback_id = p.id AND d.priority IN (0, 1, 2) AND d.state = 'ready' AND d.due_at <= now()
    ORDER BY d.priority, d.due_at OFFSET 0
)
"""
_DUE = PreparedStatement("due_lanes", "", DUE)

# This and the next begin with the few postbacks that they concern: joined the other way round, all that waits is read.
# The deletion itself cancels all but what was being recorded or sent at that very moment.
CANCEL_DELETED = f"""
WITH ended AS (
UPDATE postbacks_delivery
SET state = 'cancelled', finished_at = now(), reason = 'The postback was deleted.'
WHERE id = ANY (ARRAY(
    SELECT waiting.id FROM postbacks_postback p CROSS JOIN LATERAL (
        SELECT d.id FROM postbacks_delivery d
        WHERE d.postback_id = p.id AND d.state IN {SQL_WAITING}
        FOR UPDATE SKIP LOCKED
    ) AS waiting
    WHERE p.deleted_at IS NOT NULL
))
RETURNING postback_id)
SELECT postback_id, count(*) FROM ended GROUP BY postback_id
"""  # noqa: S608 -- made of constants


# What waited all that time for a destination that was down is no longer worth sending.
EXPIRE_HELD = f"""
WITH ended AS (
UPDATE postbacks_delivery
SET state = 'failed', finished_at = now(), reason = 'The destination was held for seven days.',
    unsent_why = 'held_week'
WHERE id = ANY (ARRAY(
    SELECT waiting.id FROM postbacks_lane l CROSS JOIN LATERAL (
        SELECT d.id FROM postbacks_delivery d
        WHERE d.postback_id = l.postback_id AND d.state IN {SQL_WAITING} AND d.created_at < now() - interval '7 days'
        FOR UPDATE SKIP LOCKED
    ) AS waiting
    WHERE l.held_since < now() - interval '7 days'
))
RETURNING postback_id)
SELECT postback_id, count(*) FROM ended GROUP BY postback_id
"""  # noqa: S608 -- made of constants


class Sweeper:
    """One per process, made at its first sweep. Its connection is the second that holds the process's lock."""

    def __init__(self) -> None:
        self._holder: int | None = None
        self._session = Session("sweep", self._announce)
        self._slow_at = 0.0
        self._swept_at = time.monotonic()
        self._lock = threading.Lock()  # Celery's thread and the caretaker's.

    def sweep(self) -> None:
        """Runs one round, unless another worker is sweeping. Never raises for an outage: another round follows."""
        with self._lock:
            self._swept_at = time.monotonic()
            self._sweep()

    def sweep_if_missed(self) -> None:
        """Runs a round if no task has asked this process for one within MISSED_AFTER_SECONDS."""
        if time.monotonic() - self._swept_at > MISSED_AFTER_SECONDS:
            self.sweep()

    def hold(self, holder: int | None) -> None:
        """From its next connection on, it holds the lock of `holder`."""
        with self._lock:
            self._holder = holder
            self._session.close()

    def keep(self, held: Callable[[], Collection[int]]) -> None:
        """Sees to it that the lock is held, and keeps the leases of what the process holds. Never raises for an outage.

        `held` returns the ids of what it has claimed and not yet recorded.
        """
        with self._lock:
            if self._holder is None:
                return
            with self._cut_short("The leases could not be kept"), self._session.cursor() as cursor:
                given_back = leases.keep(cursor, self._holder, held(), lease_seconds())
                if given_back:
                    logger.warning("Gave back %d deliveries that were claimed and never started.", given_back)
                answered.recover(cursor.connection)

    def close(self) -> None:
        """Closes the database connection."""
        with self._lock:
            self._session.close()

    def _announce(self, connection: extensions.connection) -> None:
        with connection.cursor() as cursor:
            leases.plan(cursor)
            _DUE.make_known(cursor)
        if self._holder is not None:
            leases.announce(connection, self._holder)

    @contextmanager
    def _cut_short(self, what: str) -> Iterator[None]:
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            logger.warning("%s (%s).", what, str(error).strip())
            self._session.close()
        except BaseException:
            self._session.close()  # Its transaction holds the sweep's lock.
            raise

    def _sweep(self) -> None:
        with self._cut_short("The sweep was cut short"), self._session.cursor() as cursor:
            due = self._alone(cursor, _find)
            if due is not None and time.monotonic() > self._slow_at:
                self._slow_at = time.monotonic() + SLOW_EVERY_SECONDS
                due = (self._alone(cursor, _tidy_up) or {}) | due
                ready_queue.wake(due, sweeping=True)
                self._make_partitions(cursor)
            else:
                ready_queue.wake(due or {}, sweeping=True)

    def _make_partitions(self, cursor: extensions.cursor) -> None:
        try:
            for _ in range(MOST_STEPS):
                if not self._alone(cursor, make_ahead):
                    return
        except psycopg2.errors.LockNotAvailable:
            cursor.execute("ROLLBACK")  # Somebody reads the log; there is time.
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            raise
        except psycopg2.Error as error:  # Such as a user who does not own the table.
            cursor.execute("ROLLBACK")
            logger.warning("No partition could be made for later attempts (%s).", str(error).strip())

    @staticmethod
    def _alone(cursor: extensions.cursor, work: Callable[[extensions.cursor], Found]) -> Found | None:
        """Runs `work` in a transaction; returns None if another worker is sweeping."""
        cursor.execute("BEGIN; SELECT pg_try_advisory_xact_lock(%s, %s)", SWEEP_LOCK)
        (alone,) = cursor.fetchone() or (False,)
        due = work(cursor) if alone else None
        cursor.execute("COMMIT")
        return due


def _find(cursor: extensions.cursor) -> dict[int, float]:
    """Returns what is due, by lane; what was taken back is ready once this transaction commits."""
    reclaimed = leases.reclaim(cursor)
    if reclaimed:
        logger.warning("Took back the deliveries of workers that died, in %d lanes.", len(reclaimed))
    cursor.execute(_DUE.execute)
    due = cursor.fetchall()
    heartbeat.note(cursor, heartbeat.SWEEP)
    return dict.fromkeys((lane for (lane,) in due), 0.0)


def _tidy_up(cursor: extensions.cursor) -> dict[int, float]:
    """The work of every half minute, in its own transaction: if it takes too long, the rest is not undone with it."""
    cursor.execute("SET LOCAL statement_timeout = %s", (SLOW_TIMEOUT_MS,))
    due = chains.promote_stuck(cursor)
    cursor.execute(CANCEL_DELETED)
    count_ended(cursor, dict(cursor.fetchall()), "cancelled")
    cursor.execute(heartbeat.FORGET_ENDED)
    cursor.execute(EXPIRE_HELD)
    count_ended(cursor, dict(cursor.fetchall()), "failed", HELD_WEEK)
    return due


sweeper = Sweeper()
