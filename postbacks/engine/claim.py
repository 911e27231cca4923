"""Taking what is due: one statement claims for many lanes at once, whatever the tables hold beside.

Rows that another worker is claiming are skipped, not waited for. The ids are collected into an array first and updated
by it: written as a join, the planner sometimes updated by reading the whole table.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from django.conf import settings
from psycopg2 import extensions

from postbacks.engine.stages import Claimed

# Time in hand beyond one request's total timeout: to wait in the sender's queue, and to be recorded.
LEASE_MARGIN_SECONDS = 45
RECORDING_MARGIN_SECONDS = 5

CLAIM = """
WITH claimed AS (
    UPDATE postbacks_delivery
    SET state = 'sending', owner = %s, lease_until = now() + make_interval(secs => %s)
    WHERE id = ANY (ARRAY(
        SELECT due.id
        FROM unnest(%s::bigint[], %s::int[]) AS lane (postback_id, room)
        CROSS JOIN LATERAL (
            SELECT d.id FROM postbacks_delivery d
            WHERE d.postback_id = lane.postback_id AND d.state = 'ready' AND d.due_at <= now()
            ORDER BY d.due_at, d.id
            LIMIT lane.room
            FOR UPDATE SKIP LOCKED
        ) due
    ))
    RETURNING id, postback_id, action_id, event_id, attempts_made, due_at
)
SELECT c.id, c.postback_id, c.action_id, c.attempts_made, e.kind, e.parameters::text
FROM claimed c JOIN actions_actionevent e ON e.id = c.event_id
ORDER BY c.due_at, c.id
"""

# Of each lane, how long until its next delivery is due; those being claimed by others count, they may come back.
NEXT_DUE = """
SELECT lane.postback_id, extract(epoch FROM next.due_at - now())::float8
FROM unnest(%s::bigint[]) AS lane (postback_id)
CROSS JOIN LATERAL (
    SELECT d.due_at FROM postbacks_delivery d
    WHERE d.postback_id = lane.postback_id AND d.state = 'ready'
    ORDER BY d.due_at LIMIT 1
) next
"""


def lease_seconds() -> float:
    """How long a claim holds: longer than any transfer that is still allowed to start."""
    return float(settings.POSTBACKS_TOTAL_TIMEOUT) + LEASE_MARGIN_SECONDS


def claim(cursor: extensions.cursor, owner: int, room: Mapping[int, int]) -> list[Claimed]:
    """Claims up to `room[postback id]` due deliveries of each lane, in the order in which they are due."""
    expires = time.monotonic() + lease_seconds() - RECORDING_MARGIN_SECONDS
    cursor.execute(CLAIM, (owner, lease_seconds(), list(room.keys()), list(room.values())))
    return [
        Claimed(delivery_id, postback_id, action_id, attempts_made + 1, kind, parameters, expires)
        for delivery_id, postback_id, action_id, attempts_made, kind, parameters in cursor.fetchall()
    ]


def next_due(cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, float]:
    """Seconds until each lane's next ready delivery is due (0 or less: now); lanes without one are left out."""
    cursor.execute(NEXT_DUE, (list(postback_ids),))
    return dict(cursor.fetchall())
