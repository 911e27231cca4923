"""`{DeliveryId}`: the id by which a receiver knows a delivery, and recognises that it has had it.

It is derived from what stays the same when the database is restored from a backup and conversions are reported again:
the postback, the event type, the order, its repeat, and the event's kind and number within the action. So what a
receiver has had comes with the same id, although the rows are new. The moment at which the postback was created keeps
ids apart if another gets the number of one that was lost, and keeps an order id that is hidden from being guessed.

Deliveries of earlier releases have no derived id: they are known by the number of their row, or of the one that they
repeat (`known_as`). That number is noted with a derived id too, once it was sent. Where it is missing after an attempt,
a process of an earlier release made that attempt, and sent the number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def derive(postback_id: int, postback_created_at: datetime, event: str) -> str:
    """What the SQL of `derived` gives, for an event of which `of_event` tells. Pure."""
    return sha256(f"{_of_postback(postback_id, postback_created_at)}:{event}".encode()).hexdigest()[:32]


def of_event(action_tracker_id: int, order_id: str, order_repeat: int, kind: str, number: int) -> str:
    """What an event adds to the ids of all its deliveries that are no replays. Pure."""
    return f"{action_tracker_id}:{order_repeat}:{kind}:{number}::{order_id}"


@lru_cache(4096)  # An import makes thousands for each postback.
def _of_postback(postback_id: int, created_at: datetime) -> str:
    since = created_at - _EPOCH
    return f"{postback_id}:{since // _SECOND}.{since.microseconds:06}"


def derived(replay: str = "''") -> str:
    """The SQL of a new id, over a FROM item `v` with the columns postback_id and event_id.

    `replay` is an expression: a replay that asks for new ids adds its own. The order id comes last, as it alone may
    contain a colon.
    """
    return f"""(
        SELECT encode(substring(sha256(convert_to(concat_ws(':',
            p.id, extract(epoch FROM p.created_at), a.action_tracker_id, a.order_repeat, e.kind, e.number, {replay},
            a.order_id
        ), 'UTF8')) FOR 16), 'hex')::uuid
        FROM actions_actionevent e
        JOIN actions_action a ON a.id = e.action_id
        JOIN postbacks_postback p ON p.id = v.postback_id
        WHERE e.id = v.event_id
    )"""  # noqa: S608 -- made of constants


def is_derived(row: str) -> str:
    """The SQL of whether this row of the deliveries is, or will be, sent with its derived id."""
    return f"({row}.known_by IS NOT NULL AND ({row}.attempts_made = 0 OR {row}.known_as IS NOT NULL))"


def sent_as(row: str) -> str:
    """The SQL of what `{DeliveryId}` is for this row of the deliveries, as text."""
    return f"CASE WHEN {is_derived(row)} THEN {row}.known_by::text ELSE coalesce({row}.known_as, {row}.id)::text END"
