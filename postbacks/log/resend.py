"""Sending again what is finished: a new delivery, in its place in the action's order; the old one stays as it ended."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from actions.models import Action
from postbacks.engine.database import raw_cursor
from postbacks.models import Delivery
from postbacks.replay.feed import Made, announce

# Nothing for a deleted postback, and nothing that waits to be sent anyway. Of several deliveries of one event the
# latest. The receiver is told the id that it knows. As in `postbacks.replay.feed`, a chain that has something
# unfinished is joined at its end.
_MAKE = """
WITH wanted AS (
    SELECT DISTINCT ON (d.postback_id, d.event_id)
        d.postback_id, d.action_id, d.event_id, coalesce(d.known_as, d.id) AS known_as, d.parameters
    FROM postbacks_delivery d
    JOIN postbacks_postback p ON p.id = d.postback_id AND p.deleted_at IS NULL
    WHERE d.id = ANY (%(ids)s) AND d.state IN ('delivered', 'failed', 'cancelled') AND NOT EXISTS (
        SELECT 1 FROM postbacks_delivery o
        WHERE o.postback_id = d.postback_id AND o.action_id = d.action_id AND o.event_id = d.event_id
          AND o.state IN ('blocked', 'ready', 'sending')
    )
    ORDER BY d.postback_id, d.event_id, d.id DESC
)
INSERT INTO postbacks_delivery
    (postback_id, event_id, action_id, state, priority, due_at, attempts_made, reason, known_as, parameters)
SELECT w.postback_id, w.event_id, w.action_id,
       CASE WHEN row_number() OVER (PARTITION BY w.postback_id, w.action_id ORDER BY w.event_id) > 1 OR EXISTS (
           SELECT 1 FROM postbacks_delivery d
           WHERE d.postback_id = w.postback_id AND d.action_id = w.action_id
             AND d.state IN ('blocked', 'ready', 'sending')
       ) THEN 'blocked' ELSE 'ready' END,
       %(priority)s, statement_timestamp(), 0, '', w.known_as, w.parameters
FROM wanted w
ORDER BY w.action_id, w.event_id
RETURNING id, postback_id, action_id, event_id, state
"""


def resend(ids: Sequence[int]) -> list[int]:
    """Makes a new delivery for each of these that is finished; returns their ids.

    Left out is what is not finished, what waits in another delivery of the same event, and what belongs to a deleted
    postback. They go behind live traffic, as replays do.
    """
    with transaction.atomic():
        _lock_actions(ids)
        with raw_cursor() as cursor:
            cursor.execute(_MAKE, {"ids": list(ids), "priority": int(Delivery.Priority.REPLAY)})
            rows = [Made(*row) for row in cursor.fetchall()]
    if rows:
        announce(rows)
    return sorted(row.delivery_id for row in rows)


def _lock_actions(ids: Sequence[int]) -> None:
    """Against reports that come in meanwhile, and against the same resend twice: whoever is second sees the first."""
    actions = Delivery.objects.filter(pk__in=ids).order_by().values("action_id")
    list(Action.objects.select_for_update(no_key=True).filter(pk__in=actions).order_by("pk").values_list("pk"))
