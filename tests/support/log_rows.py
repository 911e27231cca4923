"""What the log shows: deliveries in all states, with what was sent and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from actions.models import ActionEvent
from postbacks.egress.answer import Answer
from postbacks.metrics.reasons import why_failed
from postbacks.models import Attempt, Delivery, Postback
from tests.support.factories import record_action


def make_attempt(delivery: Delivery, number: int = 1, **fields: Any) -> Attempt:
    """An attempt of 12 ms that was answered 200 OK a minute ago, unless told otherwise."""
    defaults: dict[str, Any] = {
        "started_at": timezone.now() - timedelta(minutes=1),
        "duration_ms": 12,
        "succeeded": True,
        "reason": "200 is a success.",
        "method": "GET",
        "url": "https://receiver.example/in?id=1&city=S%C3%A3o+Paulo",
        "request_headers": "User-Agent: PartnerPostbacks\nAuthorization: ••••••••",
        "status": 200,
        "response_headers": "Content-Type: application/json",
        "response_body": '{"ok":true,"total":1.10}',
        "postback": delivery.postback,
    }
    fields = {**defaults, **fields}
    why = "" if fields["succeeded"] else why_failed(Answer(fields["status"] or 500, b"", ""))
    return Attempt.objects.create(delivery=delivery, number=number, **{"why": why, **fields})


def make_finished(
    postback: Postback, state: str = Delivery.State.DELIVERED, event: ActionEvent | None = None, **fields: Any
) -> Delivery:
    """A finished delivery of a new action, unless `event` is given."""
    event = event or quiet_event(postback)
    now = timezone.now()
    defaults = {"due_at": now, "finished_at": now, "attempts_made": 1, "reason": f"{state} for this reason."}
    return Delivery.objects.create(
        postback=postback, event=event, action=event.action, state=state, **{**defaults, **fields}
    )


def quiet_event(postback: Postback, **fields: Any) -> ActionEvent:
    """The event of a new action of the postback's event type and partner; what it fires is taken away."""
    event = record_action(postback.action_tracker, postback.partner, **fields)
    Delivery.objects.filter(event=event).delete()
    return event


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [each.pk for each in deliveries]
