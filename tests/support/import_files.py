"""CSV files of reports for the tests of imports."""

from __future__ import annotations

from actions.models import Action
from partners.models import ActionTracker

NAMES = ("CampaignId", "ActionTrackerId", "EventDate", "OrderId", "Amount", "Note")


def row(tracker: ActionTracker, order: object, note: str = "", separator: str = ",") -> str:
    """One order, under `NAMES`."""
    cells = (tracker.program_id, tracker.pk, "2026-11-20", order, "5.00", note)
    return separator.join(map(str, cells))


def amounts() -> dict[str, str]:
    """Of each order id the amount."""
    return {order: str(amount) for order, amount in Action.objects.values_list("order_id", "amount")}
