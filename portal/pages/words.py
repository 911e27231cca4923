"""What to say of a delivery to its receiver. Nobody of ours is named, and nothing inside is told."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from partners.local_times import shown
from postbacks.models import Delivery, Postback
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS

_UNSENT: Final = {
    "unbuildable": "It could not be sent: with the values of this order, the set-up makes no request. Ask us.",
    "held_week": "It could not be sent: your server did not answer for a week.",
}


def label_of(delivery: Delivery) -> str:
    if delivery.state == Delivery.State.READY and delivery.attempts_made:
        return "Retrying"
    return {"blocked": "Waiting", "cancelled": "Not sent"}.get(delivery.state, delivery.get_state_display())


def text_of(delivery: Delivery, postback: Postback, verdict: str) -> str:
    """What to say beyond the label; `verdict` is that of the latest attempt, as it may be shown."""
    match delivery.state:
        case Delivery.State.BLOCKED:
            return "It waits for an earlier delivery of the same order."
        case Delivery.State.READY:
            return _waiting(delivery, postback, verdict)
        case Delivery.State.SENDING:
            return "It is being sent at this moment."
        case Delivery.State.CANCELLED:
            return "It was cancelled before you had it."
        case Delivery.State.FAILED if not delivery.attempts_made:
            return _UNSENT.get(delivery.unsent_why or "", "It could not be sent. Ask us.")
    return verdict


def _waiting(delivery: Delivery, postback: Postback, verdict: str) -> str:
    lane = getattr(postback, "lane", None)
    if postback.paused_at is not None:
        text = "The postback is paused."
    elif lane is not None and lane.held_since is not None:
        text = "It waits until your server answers again."
    elif delivery.due_at <= timezone.now():
        text = "It is sent next."
    else:
        text = f"It is sent at {shown(delivery.due_at)}."
    if delivery.attempts_made:
        most = max(MAXIMUM_ATTEMPTS, delivery.attempts_made + 1)
        text = f"{text} Attempt {delivery.attempts_made + 1} of {most} is next. {verdict}"
    return text.rstrip()
