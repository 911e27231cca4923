"""Cancels deliveries that have not been sent, and lets those go that waited behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from postbacks.database import raw_cursor
from postbacks.delivery.chains import promote_and_wake
from postbacks.delivery_states import SQL_WAITING
from postbacks.metrics.tally import count_ended
from postbacks.models import Delivery

_CANCEL = f"""
UPDATE postbacks_delivery SET state = 'cancelled', finished_at = now(), reason = %(reason)s
WHERE id IN (
    SELECT id FROM postbacks_delivery WHERE id = ANY (%(ids)s) AND state IN {SQL_WAITING}
    ORDER BY id FOR UPDATE
)
RETURNING id, postback_id, action_id
"""  # noqa: S608 -- made of constants


def cancel(ids: Sequence[int], reason: str) -> list[int]:
    """Cancels those of these deliveries that wait, and returns their ids. One that is being sent is not stopped."""
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(_CANCEL, {"ids": list(ids), "reason": reason})
        rows = cursor.fetchall()
        count_ended(cursor, Counter(postback for _, postback, _ in rows), Delivery.State.CANCELLED)
    if rows:
        promote_and_wake((postback, action) for _, postback, action in rows)
    return sorted(pk for pk, _, _ in rows)
