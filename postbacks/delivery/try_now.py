"""Tries deliveries now that wait for a retry or for the Minimum Delay.

Only the time is overridden. A delivery of a paused postback or a held destination, one behind an earlier event of its
action, and one that a worker has, are left as they are, and the rate limit holds. The attempt counts like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from django.db import transaction

from postbacks.database import as_array, raw_cursor
from postbacks.delivery import ready_queue
from postbacks.delivery_states import SQL_FINISHED

MOST_COUNTED: Final = 10_000  # To say how many wait, a bounded look is enough.


class Prospect(NamedTuple):
    """What would become of one delivery: `code` is a key of `IS_TRIED` or `IS_LEFT_OUT`."""

    delivery_id: int
    postback_id: int
    code: str


IS_TRIED: Final = {"goes": "at the rate allowed"}
IS_LEFT_OUT: Final = {
    "finished": "finished",
    "sending": "being sent at this moment",
    "tried": "tried since the page was opened",
    "deleted": "of a deleted postback",
    "paused": "of a paused postback: resume it first",
    "held": "to a held destination: its probes go on, or release it under Held",
    "blocked": "behind an earlier event of the same action, which goes first",
    "due": "due already",
}
_PROSPECTS = f"""
SELECT d.id, d.postback_id, CASE
    WHEN d.state IN {SQL_FINISHED} THEN 'finished'
    WHEN d.state = 'sending' THEN 'sending'
    WHEN p.deleted_at IS NOT NULL THEN 'deleted'
    WHEN p.paused_at IS NOT NULL THEN 'paused'
    WHEN l.held_since IS NOT NULL THEN 'held'
    WHEN d.state = 'blocked' THEN 'blocked'
    WHEN %(since)s::bigint IS NOT NULL AND EXISTS (
        SELECT 1 FROM postbacks_attempt a WHERE a.delivery_id = d.id AND a.id > %(since)s
    ) THEN 'tried'
    WHEN d.due_at <= statement_timestamp() THEN 'due'
    ELSE 'goes' END
FROM postbacks_delivery d
JOIN postbacks_postback p ON p.id = d.postback_id
LEFT JOIN postbacks_lane l ON l.postback_id = d.postback_id
WHERE d.id = ANY (%(ids)s::bigint[])
ORDER BY d.id
"""  # noqa: S608 -- made of constants
# What a worker or a session has locked is not waited for: it is being sent, or left for the next time.
_TRY_NOW = """
WITH free AS MATERIALIZED (
    SELECT d.id FROM postbacks_delivery d
    JOIN postbacks_postback p ON p.id = d.postback_id
    LEFT JOIN postbacks_lane l ON l.postback_id = d.postback_id
    WHERE d.id = ANY (%(ids)s::bigint[]) AND d.state = 'ready' AND d.due_at > statement_timestamp()
      AND p.deleted_at IS NULL AND p.paused_at IS NULL AND l.held_since IS NULL
      AND (%(since)s::bigint IS NULL OR NOT EXISTS (
          SELECT 1 FROM postbacks_attempt a WHERE a.delivery_id = d.id AND a.id > %(since)s
      ))
    ORDER BY d.id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE postbacks_delivery SET due_at = statement_timestamp() WHERE id = ANY (ARRAY(SELECT id FROM free))
RETURNING id, postback_id
"""
_LATER = """
SELECT count(*) FROM (
    SELECT 1 FROM postbacks_delivery d
    WHERE d.postback_id = %s AND d.priority IN (0, 1, 2) AND d.state = 'ready' AND d.due_at > statement_timestamp()
    LIMIT %s
) waiting
"""


def prospects_of(ids: Sequence[int], since: int | None = None) -> list[Prospect]:
    """What would become of each of these deliveries that exists; `since` as in `try_now`."""
    with raw_cursor() as cursor:
        cursor.execute(_PROSPECTS, {"ids": as_array(ids), "since": since})
        return [Prospect(*row) for row in cursor.fetchall()]


def try_now(ids: Sequence[int], since: int | None = None) -> list[int]:
    """Makes those of these deliveries due that wait for their time, and returns their ids.

    With `since`, the highest id of an attempt that a page knew, leaves out what has been tried after it: a form that is
    sent twice tries once.
    """
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(_TRY_NOW, {"ids": as_array(ids), "since": since})
        rows = cursor.fetchall()
        if rows:
            transaction.on_commit(partial(ready_queue.wake, {postback: 0.0 for _, postback in rows}))
    return sorted(pk for pk, _ in rows)


def waiting_for_their_time(postback_id: int) -> int:
    """How many deliveries of a postback wait for a retry or its Minimum Delay, counted up to MOST_COUNTED + 1."""
    with raw_cursor() as cursor:
        cursor.execute(_LATER, (postback_id, MOST_COUNTED + 1))
        (count,) = cursor.fetchone() or (0,)
        return int(count)
