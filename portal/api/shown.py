"""Rows as the partner API shows them: as the pages do, in the partner's words and without the brand's data."""

from __future__ import annotations

from typing import Any, Final

from portal.models import Proposal
from portal.pages.deliveries import Row
from portal.pages.health import Health
from portal.proposals.fields import shown as shown_changes
from portal.shown.masked import Masking
from portal.shown.sent import SEARCHED
from portal.why import Moment
from postbacks.config_file.values import write_pairs
from postbacks.credentials.asking.fields import FIELDS as ASKING
from postbacks.credentials.asking.fields import SECRETS as ASKING_SECRETS
from postbacks.models import Attempt, Postback
from value_types.secret_text import MASK

_NAMES: Final = {label: name for name, label in SEARCHED.items()}


def shown_postback(health: Health, waiting: int | None) -> dict[str, Any]:
    """A postback with its health, and the id of the proposal that waits."""
    postback, sums = health.postback, health.sums
    return {
        "id": postback.pk,
        "name": postback.name,
        "url": postback.url,
        "method": postback.method,
        "headers": postback.headers,
        "secret_headers": {name: MASK for name, _token in postback.secret_headers},
        "body_format": postback.body_format,
        "body": write_pairs(postback.body_pairs),
        "body_raw": postback.body_raw,
        "asking": asking_of(postback),
        "signed": postback.signed,
        "state": health.key,
        "state_text": health.text,
        "paused_by_you": health.paused_by_owner,
        "waiting": health.waiting,
        "last_day": {
            "attempts": sums.attempts,
            "succeeded": sums.succeeded,
            "delivered": sums.delivered,
            "failed": sums.failed,
        },
        "waiting_proposal": waiting,
    }


def asking_of(postback: Postback) -> dict[str, str]:
    """By key, without what is not set up."""
    found = {key: str(getattr(postback, key)) for key in ASKING}
    return {key: MASK if key in ASKING_SECRETS else value for key, value in found.items() if value}


def shown_delivery(row: Row) -> dict[str, Any]:
    delivery = row.delivery
    return {
        "id": delivery.pk,
        "delivery_id": str(delivery.sent_as),
        "postback": delivery.postback_id,
        "state": delivery.state,
        "text": row.text,
        "order": {_NAMES[label]: value for label, value in row.ids},
        "attempts_made": delivery.attempts_made,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "finished_at": delivery.finished_at,
    }


def shown_attempt(attempt: Attempt, masking: Masking) -> dict[str, Any]:
    texts = masking.texts_of(attempt)
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration_ms": attempt.duration_ms,
        "succeeded": attempt.succeeded,
        "status": attempt.status,
        "reason": texts.reason,
        "method": attempt.method,
        "url": texts.url,
        "request_headers": texts.request_headers,
        "request_body": texts.request_body,
        "response_headers": texts.response_headers,
        "response_body": texts.response_body,
        "hidden": texts.hidden,
    }


def shown_moment(moment: Moment) -> dict[str, Any]:
    missed = [
        {"postback": each.postback.pk, "name": each.postback.name, "reasons": each.reasons} for each in moment.missed
    ]
    return {"at": moment.at, "new": moment.is_new, "postbacks": missed}


def shown_proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.pk,
        "postback": proposal.postback_id,
        "changes": shown_changes(proposal),
        "note": proposal.note,
        "state": proposal.state,
        "reason": proposal.reason,
        "proposed_at": proposal.created_at,
        "ended_at": proposal.decided_at,
    }
