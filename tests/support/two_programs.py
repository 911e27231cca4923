"""Two programs with one row of everything that the API shows: a token for the first sees nothing of the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from actions.models import ActionEvent, Submission
from partners.models import ActionTracker, CategoryPayout, Partner
from postbacks.models import Attempt, Delivery, Postback
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker, record_action

SIGN = "ELSEWHERE"
"""Stands in each text of the second program, so that an answer that holds it reveals something."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One program's rows, and their ids under the names that parameters of the API have."""

    tracker: ActionTracker
    partner: Partner
    postback: Postback
    delivery: Delivery
    event: ActionEvent
    submission: Submission
    ids: dict[str, str] = field(default_factory=dict)


def make_rows(name: str) -> Rows:
    tracker = make_tracker(make_program(name=f"{name} program"), name=f"{name} sale")
    partner = make_partner(name=f"{name} partner")
    term = make_term(tracker, partner)
    CategoryPayout.objects.create(contract_term=term, category=f"{name} tents", payout_type="flat", payout=Decimal(2))
    postback = make_postback(tracker, partner, name=f"{name} postback", url=f"https://{name.lower()}.invalid/in")
    event = record_action(tracker, partner, OrderId=f"{name}-1", Text1=name)
    ActionEvent.objects.filter(pk=event.pk).update(recorded_at=timezone.now() - timedelta(minutes=1))
    delivery = Delivery.objects.get(event=event)
    delivery.state, delivery.reason = Delivery.State.FAILED, f"{name} reason"
    delivery.finished_at = timezone.now()
    delivery.save()
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=timezone.now(),
        duration_ms=12,
        succeeded=False,
        reason=f"{name} reason",
        method="GET",
        url=postback.url,
        status=500,
        response_body=f"{name} answer",
    )
    submission = Submission.objects.create(
        kind=Submission.Kind.CONVERSION, result=Submission.Result.RECORDED, action=event.action, notes=[f"{name} note"]
    )
    ids = {
        "action_id": event.action.action_id,
        "submission_id": submission.public_id,
        "postback_id": str(postback.pk),
        "delivery_id": str(delivery.pk),
        "contract_id": str(term.contract_id),
        "partner_id": str(partner.pk),
        "program_id": str(tracker.program_id),
        "campaign_id": str(tracker.program_id),
        "update_id": f"{event.action.action_id}.{event.number}",
    }
    return Rows(tracker, partner, postback, delivery, event, submission, ids)


def absent(rows: Rows) -> dict[str, str]:
    """Ids of the same kinds of which there is no row."""
    action = f"{rows.tracker.program_id}.{rows.tracker.pk}.99999999"
    return {
        **dict.fromkeys(rows.ids, "99999999"),
        "action_id": action,
        "update_id": f"{action}.1",
        "submission_id": "A-99999999",
    }
