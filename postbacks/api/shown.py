"""Rows as the management API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from partners.models import Contract, ContractTerm, Partner
from postbacks.config_file.one_postback import postback_values
from postbacks.config_file.values import write_decimal
from postbacks.delivery_log.words import text_of
from postbacks.models import Attempt, Delivery, Postback
from postbacks.state import state_of


def shown_postback(postback: Postback, warnings: Iterable[str] = ()) -> dict[str, Any]:
    """A postback loaded with its version, owner, event type and lane."""
    state = state_of(postback)
    return {
        "id": postback.pk,
        "version": version_of(postback),
        "partner": postback.partner_id,
        "media_source": postback.media_source_id,
        "program": postback.action_tracker.program_id,
        **postback_values(postback),
        "state": state.key,
        "state_text": state.text,
        "created_at": postback.created_at,
        "updated_at": postback.updated_at,
        "warnings": list(warnings),
    }


def version_of(postback: Any) -> str:
    """The version that the query has read with the row."""
    version: str = postback.version
    return version


def shown_delivery(delivery: Delivery) -> dict[str, Any]:
    """A delivery loaded with its postback, event and action."""
    return {
        "id": delivery.pk,
        "state": delivery.state,
        "text": text_of(delivery),
        "postback": delivery.postback_id,
        "partner": delivery.postback.partner_id,
        "media_source": delivery.postback.media_source_id,
        "action": delivery.action.action_id,
        "order_id": delivery.action.order_id,
        "event": delivery.event.kind,
        "event_number": delivery.event.number,
        "attempts_made": delivery.attempts_made,
        "replay": delivery.replay_id,
        "resent_as": delivery.known_as or delivery.pk,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "finished_at": delivery.finished_at,
    }


def shown_attempt(attempt: Attempt, *, texts: bool) -> dict[str, Any]:
    """An attempt; without `texts`, what may reveal the customer is left out."""
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration_ms": attempt.duration_ms,
        "succeeded": attempt.succeeded,
        "reason": attempt.reason,
        "method": attempt.method,
        "status": attempt.status,
        "url": attempt.url if texts else None,
        "request_headers": attempt.request_headers if texts else None,
        "request_body": attempt.request_body if texts else None,
        "response_headers": attempt.response_headers if texts else None,
        "response_body": attempt.response_body if texts else None,
    }


def shown_partner(partner: Partner) -> dict[str, Any]:
    return {"id": partner.pk, "name": partner.name, "currency": partner.currency}


def shown_contract(contract: Contract) -> dict[str, Any]:
    """A contract loaded with its terms and their payouts by category."""
    return {
        "id": contract.pk,
        "partner": contract.partner_id,
        "program": contract.program_id,
        "start": contract.start,
        "end": contract.end,
        "terms": [_term(term) for term in contract.terms.all()],
    }


def _term(term: ContractTerm) -> dict[str, Any]:
    limit = term.monthly_payout_limit
    return {
        "action_tracker": term.action_tracker_id,
        "start": term.start,
        "end": term.end,
        "payout": term.payout_display,
        "monthly_action_limit": term.monthly_action_limit,
        "monthly_payout_limit": None if limit is None else write_decimal(limit),
        "lock_after_days": term.lock_after_days,
        "clear_after_days": term.clear_after_days,
        "category_payouts": [
            {"category": each.category, "payout": each.payout_display} for each in term.category_payouts.all()
        ],
    }
