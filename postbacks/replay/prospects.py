"""What becomes of deliveries that are sent again: told before it is done, and again when it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from postbacks.database import as_array, raw_cursor
from postbacks.delivery_states import SQL_FINISHED, SQL_UNFINISHED


class Prospect(NamedTuple):
    """What would become of one delivery: `code` is a key of `IS_SENT` or `IS_LEFT_OUT`."""

    delivery_id: int
    postback_id: int
    code: str


IS_SENT: Final = {
    "goes": "queued, behind live traffic",
    "paused": "queued, waiting until the postback is resumed",
    "held": "queued, waiting until the hold of the destination ends",
    "behind": "queued behind another event of the same action, which goes first",
}
AGAIN: Final = "again"
IS_LEFT_OUT: Final = {
    AGAIN: "resent already",
    "twice": "a later delivery of the same event is chosen too",
    "unfinished": "not finished yet",
    "coming": "already waiting as another delivery of the event",
    "deleted": "of a deleted postback",
}
# OFFSET 0 keeps the planner from walking down the primary key for the newest delivery of an event.
_PROSPECTS = f"""
SELECT d.id, d.postback_id, CASE
    WHEN p.deleted_at IS NOT NULL THEN 'deleted'
    WHEN d.state NOT IN {SQL_FINISHED} THEN 'unfinished'
    WHEN EXISTS (
        SELECT 1 FROM postbacks_delivery o
        WHERE o.postback_id = d.postback_id AND o.action_id = d.action_id AND o.event_id = d.event_id
          AND o.state IN {SQL_UNFINISHED}
    ) THEN CASE WHEN %(since)s > 0 AND newer.id > %(since)s THEN 'again' ELSE 'coming' END
    WHEN coalesce(newer.id > %(since)s, false) THEN 'again'
    WHEN newer.id = ANY (%(ids)s::bigint[]) THEN 'twice'
    WHEN p.paused_at IS NOT NULL THEN 'paused'
    WHEN l.held_since IS NOT NULL THEN 'held'
    WHEN EXISTS (
        SELECT 1 FROM postbacks_delivery o
        WHERE o.postback_id = d.postback_id AND o.action_id = d.action_id AND o.state IN {SQL_UNFINISHED}
    ) THEN 'behind'
    ELSE 'goes' END
FROM postbacks_delivery d
JOIN postbacks_postback p ON p.id = d.postback_id
LEFT JOIN postbacks_lane l ON l.postback_id = d.postback_id
LEFT JOIN LATERAL (
    SELECT max(o.id) AS id FROM (
        SELECT id FROM postbacks_delivery WHERE event_id = d.event_id AND postback_id = d.postback_id OFFSET 0
    ) o WHERE o.id > d.id
) newer ON true
WHERE d.id = ANY (%(ids)s::bigint[])
ORDER BY d.id
"""  # noqa: S608 -- made of constants


def prospects_of(ids: Sequence[int], since: int = 0) -> list[Prospect]:
    """What would become of each of these deliveries that exists.

    One whose event has a newer delivery with an id above `since` counts as resent already: with 0 any, with the highest
    id that a page knew only what was resent after it was shown.
    """
    with raw_cursor() as cursor:
        cursor.execute(_PROSPECTS, {"ids": as_array(ids), "since": since})
        return [Prospect(*row) for row in cursor.fetchall()]
