"""Sends finished deliveries again: each gets a new delivery, in the order of its action; the old one stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from actions.models import Action
from postbacks.database import raw_cursor
from postbacks.delivery.chains import Made, blocked_among, insertion, promote_and_wake
from postbacks.delivery.known_ids import is_derived
from postbacks.delivery_states import SQL_FINISHED, SQL_UNFINISHED
from postbacks.models import Delivery

# Nothing for a deleted postback, nothing that waits to be sent anyway, and nothing that was resent since a page was
# opened. Of several deliveries of one event, the latest. The receiver gets the id that it already knows.
_WANTED = f"""(
    SELECT DISTINCT ON (d.postback_id, d.event_id)
        d.postback_id, d.action_id, d.event_id, coalesce(d.known_as, d.id) AS known_as,
        CASE WHEN {is_derived("d")} THEN d.known_by END AS known_by, d.parameters
    FROM postbacks_delivery d
    JOIN postbacks_postback p ON p.id = d.postback_id AND p.deleted_at IS NULL
    WHERE d.id = ANY (%(ids)s) AND d.state IN {SQL_FINISHED} AND NOT EXISTS (
        SELECT 1 FROM postbacks_delivery o
        WHERE o.postback_id = d.postback_id AND o.action_id = d.action_id AND o.event_id = d.event_id
          AND o.state IN {SQL_UNFINISHED}
    ) AND (%(since)s::bigint IS NULL OR NOT EXISTS (
        SELECT 1 FROM postbacks_delivery o
        WHERE o.event_id = d.event_id AND o.postback_id = d.postback_id AND o.id > greatest(d.id, %(since)s)
    ))
    ORDER BY d.postback_id, d.event_id, d.id DESC
) v"""  # noqa: S608 -- made of constants
_MAKE = insertion(
    _WANTED,
    due_at="statement_timestamp()",
    order="v.action_id, v.event_id",
    priority="%(priority)s",
    known_as="v.known_as",
    known_by="v.known_by",
    parameters="v.parameters",
)


def resend(ids: Sequence[int], since: int | None = None) -> list[int]:
    """Makes a new delivery for each of these that is finished; returns the new ids.

    Leaves out what is not finished, what waits in another delivery of the same event, and what belongs to a deleted
    postback. With `since`, the highest id of a delivery that a page knew, also leaves out what was sent again after it:
    a form that is sent twice sends once. New deliveries go behind live traffic, like replays.
    """
    with transaction.atomic():
        _lock_actions(ids)
        with raw_cursor() as cursor:
            cursor.execute(_MAKE, {"ids": list(ids), "since": since, "priority": int(Delivery.Priority.REPLAY)})
            rows = [Made(*row) for row in cursor.fetchall()]
    if rows:
        promote_and_wake(blocked_among(rows), dict.fromkeys((row.postback_id for row in rows), 0.0))
    return sorted(row.delivery_id for row in rows)


def _lock_actions(ids: Sequence[int]) -> None:
    """Locks out reports that arrive meanwhile, and a second resend of the same: the second one sees the first."""
    actions = Delivery.objects.filter(pk__in=ids).order_by().values("action_id")
    list(Action.objects.select_for_update(no_key=True).filter(pk__in=actions).order_by("pk").values_list("pk"))
