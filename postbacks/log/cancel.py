"""Cancelling what has not been sent: it ends, and what waited behind it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from postbacks.engine import lanes
from postbacks.engine.chains import promote
from postbacks.engine.database import raw_cursor
from postbacks.models import Delivery
from postbacks.rollups.tally import count_ended

_CANCEL = """
UPDATE postbacks_delivery SET state = 'cancelled', finished_at = now(), reason = %(reason)s
WHERE id IN (
    SELECT id FROM postbacks_delivery WHERE id = ANY (%(ids)s) AND state IN ('ready', 'blocked')
    ORDER BY id FOR UPDATE
)
RETURNING id, postback_id, action_id
"""


def cancel(ids: Sequence[int], reason: str) -> list[int]:
    """Ends those of these deliveries that wait; returns their ids. What is being sent at the moment is on its way."""
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(_CANCEL, {"ids": list(ids), "reason": reason})
        rows = cursor.fetchall()
        count_ended(cursor, Counter(postback for _, postback, _ in rows), Delivery.State.CANCELLED)
    if rows:
        with raw_cursor() as cursor:
            due = promote(cursor, [(postback, action) for _, postback, action in rows])
        lanes.wake(due)
    return sorted(pk for pk, _, _ in rows)
