"""Which deliveries may reveal a customer."""

from __future__ import annotations

from actions.reports.parameters import is_personal
from postbacks.models import Delivery


def may_hold_personal_data(delivery: Delivery) -> bool:
    """Whether its requests, and answers that echo them, may reveal who or where the customer is: whether the values
    that they are built from do."""
    values = delivery.parameters or delivery.event.parameters
    return any(value not in (None, "") and is_personal(name) for name, value in values.items())
