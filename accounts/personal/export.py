"""All data about a customer, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.personal.found import Person
from actions.models import Action, Submission
from partners.models import AttributionRule
from postbacks.models import Delivery


def document(person: Person) -> dict[str, Any]:
    """A document for `json.dumps`. Times are ISO 8601, money is text with its decimals, secrets are masked."""
    return {
        "customer_id": person.customer_id,
        "actions": list(_actions(person.actions)),
        "submissions": list(_submissions(person.submissions)),
        "attribution_rules": list(_rules(person.rules)),
    }


def _actions(keys: list[int]) -> Iterator[dict[str, Any]]:
    rows = Action.objects.filter(pk__in=keys).select_related("program", "action_tracker", "partner")
    for action in rows.order_by("pk").prefetch_related("items", "events"):
        yield {
            "action_id": action.action_id,
            "program": action.program.name,
            "event_type": action.action_tracker.name,
            "partner": action.partner.name if action.partner else None,
            "order_id": action.order_id,
            "status": action.status,
            "event_date": action.event_date.isoformat(),
            "recorded_at": action.created_at.isoformat(),
            "amount": str(action.amount),
            "currency": action.account_currency,
            "items": [
                {"sku": each.sku, "name": each.name, "category": each.category, "quantity": each.quantity}
                for each in sorted(action.items.all(), key=lambda each: each.position)
            ],
            "reported": action.reported,
            "events": [
                {
                    "number": event.number,
                    "kind": event.kind,
                    "recorded_at": event.recorded_at.isoformat(),
                    "parameters": event.parameters,
                    "deliveries": list(_deliveries(event.pk)),
                }
                for event in sorted(action.events.all(), key=lambda each: each.number)
            ],
        }


def _deliveries(event: int) -> Iterator[dict[str, Any]]:
    rows = Delivery.objects.filter(event=event).select_related("postback__partner", "postback__media_source")
    for delivery in rows.order_by("pk").prefetch_related("attempts"):
        yield {
            "id": delivery.pk,
            "to": str(delivery.postback),
            "state": delivery.state,
            "attempts": [
                {
                    "number": attempt.number,
                    "started_at": attempt.started_at.isoformat(),
                    "request": f"{attempt.method} {attempt.url}\n{attempt.request_headers}\n\n{attempt.request_body}",
                    "answer": f"{attempt.status or ''}\n{attempt.response_headers}\n\n{attempt.response_body}",
                }
                for attempt in sorted(delivery.attempts.all(), key=lambda each: each.number)
            ],
        }


def _submissions(keys: list[int]) -> Iterator[dict[str, Any]]:
    for submission in Submission.objects.filter(pk__in=keys).order_by("pk"):
        yield {
            "id": submission.public_id,
            "received_at": submission.received_at.isoformat(),
            "result": submission.result,
            "message": submission.message,
            "notes": submission.notes,
            "fields": submission.fields,
        }


def _rules(keys: list[int]) -> Iterator[dict[str, Any]]:
    for rule in AttributionRule.objects.filter(pk__in=keys).select_related("partner").order_by("pk"):
        yield {"key": rule.key, "value": rule.value, "partner": rule.partner.name}
