"""Keeps the health of lanes in the database: one short transaction, only for lanes with news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg2 import extensions

from postbacks.delivery.circuit_breaker.health import FIRST_PROBE, Health, Observation, advance

# If a worker dies with a probe, the probe is free again after this long: longer than any request takes.
PROBE_LEASE_SECONDS = 60

CREATE = """
INSERT INTO postbacks_lane (postback_id, failures, failed_actions, gone_actions, probe_wait_seconds, notice)
SELECT id, 0, '{}', '{}', 0, '' FROM unnest(%s::bigint[]) AS id ORDER BY id
ON CONFLICT DO NOTHING
"""
LOCK = """
SELECT postback_id, failures, failed_actions, gone_actions, held_since, probe_at, probe_wait_seconds, now()
FROM postbacks_lane WHERE postback_id = ANY (%s) ORDER BY postback_id FOR UPDATE
"""
WRITE = """
UPDATE postbacks_lane SET failures = %s, failed_actions = %s::bigint[], gone_actions = %s::bigint[],
    held_since = %s, probe_at = %s, probe_wait_seconds = %s, notice = coalesce(%s, notice)
WHERE postback_id = %s
"""
PAUSE = """
UPDATE postbacks_postback SET paused_at = now(), updated_at = now(), pause_reason = %s
WHERE id = %s AND paused_at IS NULL
"""
TAKE_PROBE = """
UPDATE postbacks_lane SET probe_at = now() + make_interval(secs => %s)
WHERE postback_id = ANY (ARRAY(
    SELECT postback_id FROM postbacks_lane
    WHERE postback_id = ANY (%s) AND held_since IS NOT NULL AND probe_at <= now() FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING postback_id
"""

RETURN_PROBE = """
UPDATE postbacks_lane SET probe_at = now()
WHERE postback_id = ANY (ARRAY(
    SELECT postback_id FROM postbacks_lane
    WHERE postback_id = ANY (%s) AND held_since IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED
))
"""

GONE_REASON = "The receiver answered 410 Gone to three different actions in a row."


class HoldChange(NamedTuple):
    """How a lane's hold changed; `probe_seconds` is the time until the next probe, None if the lane is not held."""

    postback_id: int
    was_held: bool
    probe_seconds: float | None
    paused: bool


def learn(connection: extensions.connection, news: Mapping[int, Sequence[Observation]]) -> list[HoldChange]:
    """Updates the health of these lanes; returns those that are or were held, or are now paused."""
    if not news:
        return []
    changes = []
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute(CREATE, (list(news),))
            cursor.execute(LOCK, (list(news),))
            for row in cursor.fetchall():
                change = _learn_one(cursor, row, news[row[0]])
                if change.was_held or change.probe_seconds is not None or change.paused:
                    changes.append(change)
            cursor.execute("COMMIT")
        except BaseException:
            if not connection.closed:
                cursor.execute("ROLLBACK")
            raise
    return changes


def take_probes(cursor: extensions.cursor, postback_ids: Sequence[int]) -> set[int]:
    """Takes the probes that are due among these held lanes; the caller sends them. Returns their lanes."""
    if not postback_ids:
        return set()
    cursor.execute(TAKE_PROBE, (PROBE_LEASE_SECONDS, list(postback_ids)))
    return {postback_id for (postback_id,) in cursor.fetchall()}


def return_probes(cursor: extensions.cursor, postback_ids: Sequence[int]) -> None:
    """Gives back probes for which no delivery was due: the next due delivery takes them."""
    if postback_ids:
        cursor.execute(RETURN_PROBE, (list(postback_ids),))


def _learn_one(cursor: extensions.cursor, row: tuple[Any, ...], news: Sequence[Observation]) -> HoldChange:
    postback_id, failures, failed, gone, held_since, probe_at, wait_seconds, now = row
    wait = timedelta(seconds=wait_seconds) if wait_seconds else FIRST_PROBE
    before = Health(failures, tuple(failed), tuple(gone), held_since, probe_at, wait)
    after = advance(before, news, now)
    paused = after.pauses and not before.pauses
    if after != before:
        cursor.execute(
            WRITE,
            (
                after.failures,
                list(after.failed_actions),
                list(after.gone_actions),
                after.held_since,
                after.probe_at,
                int(after.probe_wait.total_seconds()) if after.held_since else 0,
                _notice(before, after, paused=paused),
                postback_id,
            ),
        )
    if paused:
        cursor.execute(PAUSE, (GONE_REASON, postback_id))
    return HoldChange(postback_id, before.held_since is not None, _seconds_until(after.probe_at, now), paused)


def _notice(before: Health, after: Health, *, paused: bool) -> str | None:
    if paused:
        return "paused"
    if (before.held_since is None) == (after.held_since is None):
        return None
    return "released" if after.held_since is None else "held"


def _seconds_until(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else (moment - now).total_seconds()
