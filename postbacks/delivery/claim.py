"""Claims what is due: one statement serves many lanes at once, at a cost that does not grow with the tables.

Rows that another worker is claiming are skipped, not waited for. The statement collects ids into an array and updates
by it: with a join, the planner sometimes read the whole table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from psycopg2 import extensions

from postbacks.delivery.known_ids import sent_as
from postbacks.delivery.outcomes import Claimed
from postbacks.models import Delivery

# Time beyond one request's total timeout: to wait in the sender's queue and to be recorded.
LEASE_MARGIN_SECONDS = 45
RECORDING_MARGIN_SECONDS = 5
LOWER_SHARE = 1 / 5  # The part of a lane's room that is kept for each class below live traffic.

Priority = Delivery.Priority


def _branch(priority: Priority, most: str) -> str:
    # The subquery is needed: FOR UPDATE is not allowed directly in a UNION.
    return f"""SELECT id FROM (
        SELECT d.id FROM postbacks_delivery d
        WHERE d.postback_id = lane.postback_id AND d.priority = {int(priority)} AND d.state = 'ready'
          AND d.due_at <= now()
        ORDER BY d.due_at, d.id LIMIT {most} FOR UPDATE SKIP LOCKED
    ) AS locked"""  # noqa: S608 -- made of constants


# Live traffic first, then retries, then replays; but `kept` of each lower class come before it, so that none starves.
# A row that this selects twice is updated once.
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
    RETURNING id, postback_id, action_id, event_id, attempts_made, priority, due_at, known_as, known_by, parameters
)
SELECT c.id, c.postback_id, c.action_id, c.attempts_made, e.kind, c.priority, {sent_as("c")},
       coalesce(c.parameters, e.parameters)::text
FROM claimed c JOIN actions_actionevent e ON e.id = c.event_id
ORDER BY c.priority, c.due_at, c.id
"""  # noqa: S608 -- made of constants

# How long until each lane's next delivery and next replay are due. Those that others are claiming count: they may come
# back.
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
    """How long a claim lasts: longer than any transfer that may still start."""
    return float(settings.POSTBACKS_TOTAL_TIMEOUT) + LEASE_MARGIN_SECONDS


def claim(
    cursor: extensions.cursor,
    holder: int,
    room: Mapping[int, int],
    replay_room: int | None = None,
    tenure: int = 0,
) -> list[Claimed]:
    """Claims up to `room[postback id]` due deliveries of each lane: by class, then in the order in which they are due.

    At most `replay_room` of them in all, spread over the lanes, are replays; None means any number. `tenure` is that of
    a moment at which the process was known to hold its lock.
    """
    expires = time.monotonic() + lease_seconds() - RECORDING_MARGIN_SECONDS
    kept = [_kept(most) for most in room.values()]
    replays = list(room.values()) if replay_room is None else _dealt_out(replay_room, len(room))
    cursor.execute(CLAIM, (holder, lease_seconds(), list(room.keys()), list(room.values()), kept, replays))
    return [
        Claimed(
            delivery_id, postback_id, action_id, attempts_made + 1, kind, priority, known_as, values, expires, tenure
        )
        for delivery_id, postback_id, action_id, attempts_made, kind, priority, known_as, values in cursor.fetchall()
    ]


class NextDue(NamedTuple):
    """Seconds until a lane's next delivery is due (0 or less: now), and its next replay; None where there is none."""

    delivery: float | None
    replay: float | None


def next_due(cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, NextDue]:
    """When each lane has work next; lanes with nothing ready are left out."""
    cursor.execute(NEXT_DUE, (list(postback_ids), [int(priority) for priority in Priority]))
    return {lane: NextDue(delivery, replay) for lane, delivery, replay in cursor.fetchall()}


def _dealt_out(replay_room: int, lanes: int) -> list[int]:
    """Deals out as evenly as possible; chance decides which lanes get the remainder."""
    each, rest = divmod(replay_room, lanes)
    dealt = [each + 1] * rest + [each] * (lanes - rest)
    random.shuffle(dealt)
    return dealt


def _kept(room: int) -> int:
    """A fifth, rounded at random: a lane that claims one at a time takes a lower class about every fifth time."""
    share = room * LOWER_SHARE
    return int(share) + (random.random() < share % 1)  # noqa: S311 -- no secret
