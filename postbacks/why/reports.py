"""What became of the reports of an order, refused and repeated ones too: what the submissions still know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from actions.models import Submission

MOST: Final = 20  # The latest; a sender that tries again and again is not told of more.


@dataclass(frozen=True, slots=True)
class Reports:
    """The submissions of an order, the latest first; `kept_days` is 0 where they are kept for ever, and `older` says
    whether some are from before they knew their orders."""

    submissions: Sequence[Submission]
    kept_days: int
    older: bool


def reports_of(order_id: str) -> Reports:
    """What the submissions know of this order, in two queries."""
    # The index holds those that have an order id.
    rows = Submission.objects.filter(order_id=order_id, order_id__gt="").select_related("token", "action")
    found = list(rows.defer("fields", "notes", "action__reported").order_by("-pk")[:MOST]) if order_id else []
    oldest = Submission.objects.order_by("pk").values_list("order_id", flat=True)[:1]
    limits = [days for days in (settings.API_SUBMISSIONS_KEPT_DAYS, settings.PERSONAL_DATA_KEPT_DAYS) if days]
    return Reports(found, min(limits, default=0), older=list(oldest) == [None])
