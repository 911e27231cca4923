"""Sends an event to a postback that it did not fire, because somebody wants it sent all the same."""

from __future__ import annotations

from django.db import transaction

from actions.models import Action, ActionEvent
from postbacks.database import raw_cursor
from postbacks.delivery.chains import Made, blocked_among, insertion, promote_and_wake
from postbacks.delivery.known_ids import derived
from postbacks.models import Delivery

# Nothing where there is a delivery already: that one is sent again, which keeps the id that the receiver knows.
_WANTED = """(
    SELECT p.id AS postback_id, e.action_id, e.id AS event_id
    FROM actions_actionevent e CROSS JOIN postbacks_postback p
    WHERE e.id = %(event)s AND p.id = %(postback)s AND p.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM postbacks_delivery o WHERE o.event_id = e.id AND o.postback_id = p.id
    )
) v"""
_MAKE = insertion(
    _WANTED, due_at="statement_timestamp()", order="v.event_id", priority="%(priority)s", known_by=derived()
)


def send_anyway(event: ActionEvent, postback_id: int) -> int | None:
    """Makes a delivery of the event for the postback, at its place in the order of its action and behind live traffic.

    Returns its id; None if the postback has one already, or is deleted. No rule is asked: the caller decides.
    """
    with transaction.atomic():
        # Locks out reports that arrive meanwhile, and a second call for the same: the second one sees the first.
        list(Action.objects.select_for_update(no_key=True).filter(pk=event.action_id).values_list("pk"))
        with raw_cursor() as cursor:
            wanted = {"event": event.pk, "postback": postback_id, "priority": int(Delivery.Priority.REPLAY)}
            cursor.execute(_MAKE, wanted)
            rows = [Made(*row) for row in cursor.fetchall()]
    if not rows:
        return None
    promote_and_wake(blocked_among(rows), {postback_id: 0.0})
    return rows[0].delivery_id
