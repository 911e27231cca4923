"""Orders and changes that come before them, as callers send them, and what becomes of both."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from actions.models import ActionEvent
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import report_fields


def order(tracker: ActionTracker, order_id: str = "o", **fields: Any) -> dict[str, Any]:
    return report_fields(tracker, OrderId=order_id, **{"Amount": "100", **fields})


def named(tracker: ActionTracker, order_id: str = "o") -> dict[str, Any]:
    return {"ActionTrackerId": tracker.pk, "OrderId": order_id}


def long_ago() -> datetime:
    """Before the transaction of the test."""
    return timezone.now() - timedelta(days=1)


def state(call: Caller, submission: str) -> tuple[str, str, str]:
    told = call("GET", f"APISubmissions/{submission}").json()
    return told["Status"], told["Result"], told["ErrorReason"]


def kinds() -> list[str]:
    return list(ActionEvent.objects.order_by("id").values_list("kind", flat=True))
