"""Which deliveries were sent again, and as which: other deliveries of the same event by the same postback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from postbacks.database import as_array
from postbacks.models import Delivery
from stores.replica import reading

# The index of the event finds the handful of deliveries of one event. OFFSET 0 keeps the planner from walking down the
# primary key instead, in the hope of meeting one soon.
_OTHERS = """
SELECT d.id, newer.id, newer.state, older.id
FROM postbacks_delivery d
LEFT JOIN LATERAL (
    SELECT o.id, o.state FROM (
        SELECT id, state FROM postbacks_delivery
        WHERE event_id = d.event_id AND postback_id = d.postback_id OFFSET 0
    ) o WHERE o.id > d.id ORDER BY o.id DESC LIMIT 1
) newer ON true
LEFT JOIN LATERAL (
    SELECT o.id FROM (
        SELECT id FROM postbacks_delivery WHERE event_id = d.event_id AND postback_id = d.postback_id OFFSET 0
    ) o WHERE o.id < d.id ORDER BY o.id DESC LIMIT 1
) older ON true
WHERE d.id = ANY (%s::bigint[]) AND (newer.id IS NOT NULL OR older.id IS NOT NULL)
"""


class Resent(NamedTuple):
    """`newer` is the latest delivery of the event, with its state, `older` the one before; None where there is none."""

    newer: int | None
    state: str | None
    older: int | None

    @property
    def state_word(self) -> str:
        return str(Delivery.State(self.state).label).lower() if self.state else ""


NOT_RESENT = Resent(None, None, None)


def resent_among(ids: Sequence[int]) -> dict[int, Resent]:
    """By id, those of these deliveries whose event was sent more than once."""
    with reading.cursor() as cursor:
        cursor.execute(_OTHERS, (as_array(ids),))
        return {pk: Resent(newer, state, older) for pk, newer, state, older in cursor.fetchall()}
