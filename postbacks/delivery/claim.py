"""Taking what is due: one statement claims for many lanes at once, whatever the tables hold beside.

Rows that another worker is claiming are skipped, not waited for. The ids are collected into an array first and updated
by it: written as a join, the planner sometimes updated by reading the whole table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from psycopg2 import extensions

from postbacks.delivery.outcomes import Claimed
from postbacks.models import Delivery

# Time in hand beyond one request's total timeout: to wait in the sender's queue, and to be recorded.
LEASE_MARGIN_SECONDS = 45
RECORDING_MARGIN_SECONDS = 5
LOWER_SHARE = 1 / 5  # Of a lane's room, kept for each class below live traffic.

Priority = Delivery.Priority


def _branch(priority: Priority, most: str) -> str:
    # One level deeper than it reads: a lock may not stand directly in a UNION.
    return f"""SELECT id FROM (
        SELECT d.id FROM postbacks_delivery d
        WHERE d.postback_id = lane.postback_id AND d.priority = {int(priority)} AND d.state = 'ready'
          AND d.due_at <= now()
        ORDER BY d.due_at, d.id LIMIT {most} FOR UPDATE SKIP LOCKED
    ) AS locked"""  # noqa: S608 -- made of constants


# Live traffic first, then retries, then replays; but of each lower class `kept` are taken before it, so that none
# starves. A row that comes twice that way is updated once.
CLAIM = f"""
WITH claimed AS (
    UPDATE postbacks_delivery
    SET state = 'sending', owner = %s, lease_until = now() + make_interval(secs => %s)
    WHERE id = ANY (ARRAY(
        SELECT due.id
        FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[]) AS lane (postback_id, room, kept, replays)
        CROSS JOIN LATERAL (
            {_branch(Priority.RETRY, "lane.kept")}
            UNION ALL {_branch(Priority.REPLAY, "least(lane.kept, lane.replays)")}
            UNION ALL {_branch(Priority.LIVE, "lane.room")}
            UNION ALL {_branch(Priority.RETRY, "lane.room")}
            UNION ALL {_branch(Priority.REPLAY, "least(lane.room, lane.replays)")}
            LIMIT lane.room
        ) due
    ))
    RETURNING id, postback_id, action_id, event_id, attempts_made, priority, due_at, known_as, parameters
)
SELECT c.id, c.postback_id, c.action_id, c.attempts_made, e.kind, c.priority, coalesce(c.known_as, c.id),
       coalesce(c.parameters, e.parameters)::text
FROM claimed c JOIN actions_actionevent e ON e.id = c.event_id
ORDER BY c.priority, c.due_at, c.id
"""  # noqa: S608 -- made of constants

# Of each lane, how long until its next delivery is due, and its next replay; those being claimed by others count, they
# may come back.
NEXT_DUE = """
SELECT lane.postback_id,
       extract(epoch FROM min(next.due_at) FILTER (WHERE class.priority < 2) - now())::float8,
       extract(epoch FROM min(next.due_at) FILTER (WHERE class.priority = 2) - now())::float8
FROM unnest(%s::bigint[]) AS lane (postback_id) CROSS JOIN unnest(%s::smallint[]) AS class (priority)
CROSS JOIN LATERAL (
    SELECT d.due_at FROM postbacks_delivery d
    WHERE d.postback_id = lane.postback_id AND d.priority = class.priority AND d.state = 'ready'
    ORDER BY d.due_at LIMIT 1
) next
GROUP BY lane.postback_id
"""


def lease_seconds() -> float:
    """How long a claim holds: longer than any transfer that is still allowed to start."""
    return float(settings.POSTBACKS_TOTAL_TIMEOUT) + LEASE_MARGIN_SECONDS


def claim(
    cursor: extensions.cursor, holder: int, room: Mapping[int, int], replay_room: int | None = None
) -> list[Claimed]:
    """Claims up to `room[postback id]` due deliveries of each lane: by class, each in the order in which it is due.

    Of them no more than `replay_room` in all are replays, dealt out to the lanes; None means any number.
    """
    expires = time.monotonic() + lease_seconds() - RECORDING_MARGIN_SECONDS
    kept = [_kept(most) for most in room.values()]
    replays = list(room.values()) if replay_room is None else _dealt_out(replay_room, len(room))
    cursor.execute(CLAIM, (holder, lease_seconds(), list(room.keys()), list(room.values()), kept, replays))
    return [
        Claimed(delivery_id, postback_id, action_id, attempts_made + 1, kind, priority, known_as, values, expires)
        for delivery_id, postback_id, action_id, attempts_made, kind, priority, known_as, values in cursor.fetchall()
    ]


class NextDue(NamedTuple):
    """Seconds until a lane's next delivery is due (0 or less: now), and its next replay; None where there is none."""

    delivery: float | None
    replay: float | None


def next_due(cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, NextDue]:
    """By lane; those that have nothing ready are left out."""
    cursor.execute(NEXT_DUE, (list(postback_ids), [int(priority) for priority in Priority]))
    return {lane: NextDue(delivery, replay) for lane, delivery, replay in cursor.fetchall()}


def _dealt_out(replay_room: int, lanes: int) -> list[int]:
    """As evenly as it goes; who gets the rest is left to chance."""
    each, rest = divmod(replay_room, lanes)
    dealt = [each + 1] * rest + [each] * (lanes - rest)
    random.shuffle(dealt)
    return dealt


def _kept(room: int) -> int:
    """A fifth, rounded by chance: a lane that takes one delivery at a time takes a lower one every fifth time."""
    share = room * LOWER_SHARE
    return int(share) + (random.random() < share % 1)  # noqa: S311 -- no secret
