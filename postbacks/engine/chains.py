"""Order per action: of each (postback, action) chain of deliveries only the first unfinished one may be sent."""

from collections.abc import Iterable

from psycopg2 import extensions

from postbacks.engine.database import as_array

# The first blocked delivery of each chain, where nothing before it is unfinished, and nothing behind it is under way: a
# replayed event stands before those that were already waiting. Two promoters at once are harmless: both choose the same
# row, and one that saw an older state finds that the row is no longer blocked.
PROMOTE = """
UPDATE postbacks_delivery SET state = 'ready'
WHERE state = 'blocked' AND id = ANY (ARRAY(
    SELECT head.id
    FROM unnest(%s::bigint[], %s::bigint[]) AS chain (postback_id, action_id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.state FROM postbacks_delivery d
        WHERE d.postback_id = chain.postback_id AND d.action_id = chain.action_id
          AND d.state IN ('blocked', 'ready', 'sending')
        ORDER BY d.event_id, d.id LIMIT 1
    ) head
    WHERE head.state = 'blocked' AND NOT EXISTS (
        SELECT 1 FROM postbacks_delivery d
        WHERE d.postback_id = chain.postback_id AND d.action_id = chain.action_id AND d.state IN ('ready', 'sending')
    )
))
RETURNING postback_id, extract(epoch FROM due_at - now())::float8
"""

# Chains of which everything that is unfinished is blocked.
STUCK = """
SELECT DISTINCT b.postback_id, b.action_id FROM postbacks_delivery b
WHERE b.state = 'blocked' AND NOT EXISTS (
    SELECT 1 FROM postbacks_delivery d
    WHERE d.postback_id = b.postback_id AND d.action_id = b.action_id AND d.state IN ('ready', 'sending')
)
"""


def promote(cursor: extensions.cursor, chains: Iterable[tuple[int, int]]) -> dict[int, float]:
    """Makes the first delivery of each chain ready, where it was blocked by one that has finished.

    Takes (postback id, action id) pairs; returns, per postback that has something ready now, the seconds until the
    earliest of them is due (0 or less: it is due). Runs in a transaction of its own, after the one that finished.
    """
    pairs = sorted(set(chains))
    cursor.execute(PROMOTE, (as_array(postback for postback, _ in pairs), as_array(action for _, action in pairs)))
    due: dict[int, float] = {}
    for postback_id, seconds in cursor.fetchall():
        due[postback_id] = min(due.get(postback_id, seconds), seconds)
    return due


def promote_stuck(cursor: extensions.cursor) -> dict[int, float]:
    """Promotes in all chains; for the slow sweep, in case whoever finished a delivery died before it could."""
    cursor.execute(STUCK)
    return promote(cursor, cursor.fetchall())
