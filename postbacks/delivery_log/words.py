"""What to say of a delivery."""

from __future__ import annotations

from django.utils import timezone

from partners.local_times import shown
from postbacks.models import Delivery, Postback
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS


def label_of(delivery: Delivery) -> str:
    """The state in a word or two."""
    if delivery.state == Delivery.State.READY and delivery.attempts_made:
        return "Retrying"
    if delivery.state == Delivery.State.BLOCKED:
        return "Waiting"
    return delivery.get_state_display()


def text_of(delivery: Delivery) -> str:
    """What to say beyond the state: why it has not been sent, when it is tried again, how it ended."""
    if delivery.state == Delivery.State.BLOCKED:
        return "Behind an earlier event of its action."
    if delivery.state != Delivery.State.READY:
        return delivery.reason
    text = _stopped(delivery.postback) or _due(delivery)
    if delivery.attempts_made:
        most = max(MAXIMUM_ATTEMPTS, delivery.attempts_made + 1)  # An answer that was not judged costs none.
        text = f"{text} Attempt {delivery.attempts_made + 1} of {most} is next. {delivery.reason}"
    return text.rstrip()


def _due(delivery: Delivery) -> str:
    return "Due now." if delivery.due_at <= timezone.now() else f"Due at {shown(delivery.due_at)}."


def _stopped(postback: Postback) -> str:
    lane = getattr(postback, "lane", None)
    if postback.paused_at:
        return "Its postback is paused."
    return "Its destination is held." if lane is not None and lane.held_since else ""
