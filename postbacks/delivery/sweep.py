"""The sweep: every second it finds in the rows whatever memory, messages and Redis may have lost.

Worker processes run it by themselves, one at a time: Redis gives one of them the turn of each second. Without Redis
each runs it every few seconds, and so does one of them whenever Celery beat asks for it. It takes back what dead
workers hold, wakes every lane that has something due, and has replays continued that nobody drives. Every half minute
it also promotes chains whose promoter died, cancels what is left of deleted postbacks, fails what was held for a week,
and makes partitions ahead. It waits for no row that somebody has locked: the next round finds it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

import psycopg2
from celery import current_app
from psycopg2 import extensions
from redis.exceptions import RedisError

from postbacks.advisory_locks import SWEEP_LOCK
from postbacks.database import Session
from postbacks.delivery import answered, chains, heartbeat, leases, ready_queue
from postbacks.delivery.claim import lease_seconds
from postbacks.delivery.prepared import PreparedStatement
from postbacks.delivery.redis import client
from postbacks.delivery_states import SQL_WAITING
from postbacks.metrics.reasons import HELD_WEEK
from postbacks.metrics.tally import count_ended
from postbacks.partitions.ahead import MOST_STEPS, make_ahead

logger = logging.getLogger(__name__)

SLOW_EVERY_SECONDS = 30
# How often each process runs one while Redis gives no turns. More of them than are needed are harmless.
MISSED_AFTER_SECONDS = 4.0
# How long a turn lasts. Each process looks for one every second; one that ends in its turn costs no more than that.
TURN: Final = "postbacks:sweep-turn"
TURN_MS: Final = 900
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

# What a task of Celery's has to go on with. It is rare; one look, because it is asked each second.
_LEFT = PreparedStatement(
    "left_to_do",
    "",
    """
SELECT EXISTS (SELECT FROM postbacks_putaside) OR EXISTS (SELECT FROM postbacks_replay WHERE state = 'running')
    OR EXISTS (SELECT FROM postbacks_trynow WHERE ended_at IS NULL)
""",
)

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


CONTINUE_TASK: Final = "postbacks.tasks.replay"


class _Found(NamedTuple):
    """Seconds until something is due, by lane; and whether there is anything for `CONTINUE_TASK`."""

    due: dict[int, float]
    is_any_left: bool


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

    def sweep_in_turn(self) -> None:
        """Runs a round if it is this process's turn. If Redis does not tell, every MISSED_AFTER_SECONDS."""
        try:
            is_own = bool(client.set(TURN, 1, nx=True, px=TURN_MS))
        except RedisError:
            is_own = time.monotonic() - self._swept_at > MISSED_AFTER_SECONDS
        if is_own:
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
            _LEFT.make_known(cursor)
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
            found = self._alone(cursor, _find)
            due = found.due if found else {}
            if found and time.monotonic() > self._slow_at:
                self._slow_at = time.monotonic() + SLOW_EVERY_SECONDS
                due = (self._alone(cursor, _tidy_up) or {}) | due
                ready_queue.wake(due, sweeping=True)
                self._make_partitions(cursor)
            else:
                ready_queue.wake(due, sweeping=True)
            if found and found.is_any_left:
                _post()

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


def _post() -> None:
    try:
        current_app.send_task(CONTINUE_TASK, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 -- each broker has errors of its own, and another sweep follows
        logger.warning("A replay could not be asked for yet (%s).", error)


def _find(cursor: extensions.cursor) -> _Found:
    """What was taken back is ready once this transaction commits."""
    reclaimed = leases.reclaim(cursor)
    if reclaimed:
        logger.warning("Took back the deliveries of workers that died, in %d lanes.", len(reclaimed))
    cursor.execute(_DUE.execute)
    due = cursor.fetchall()
    heartbeat.note(cursor, heartbeat.SWEEP)
    cursor.execute(_LEFT.execute)
    (is_any_left,) = cursor.fetchone() or (False,)
    return _Found(dict.fromkeys((lane for (lane,) in due), 0.0), is_any_left)


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
