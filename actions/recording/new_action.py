"""A new action, before anything has happened to it, and what its term's limits leave of its payout."""

from __future__ import annotations

from datetime import datetime, timedelta

from actions.models import Action
from actions.recording.action_state import ZERO, ActionState, Standing
from actions.recording.credit import Placement
from actions.recording.limits import Limits
from actions.recording.rows import made
from actions.reports.report import Report

# Where no contract term says otherwise.
LOCK_AFTER_DAYS = 30
CLEAR_AFTER_DAYS = 45


def new_action(pk: int, report: Report, placement: Placement, *, repeat: int, now: datetime) -> ActionState:
    """The action with the id `pk`, with everything of the report that no later report can change. Pure."""
    if report.event_date is None:
        raise ValueError("A new action has an event date.")
    tracker, credit, _ = placement
    program, partner, term = tracker.program, credit.partner, credit.term
    offset = report.event_date.utcoffset() or timedelta()
    figures = term.figures if term else None
    values = {
        "id": pk,
        "program_id": program.pk,
        "action_tracker_id": tracker.pk,
        "partner_id": partner.pk if partner else None,
        "contract_term_id": term.pk if term else None,
        "no_payout_reason": credit.no_payout_reason,
        "order_id": report.order_id,
        "order_repeat": repeat,
        "status": Action.Status.PENDING,
        "status_detail": "",
        "event_date": report.event_date,
        "event_utc_offset_minutes": offset // timedelta(minutes=1),
        "created_at": now,
        "locking_date": report.event_date + timedelta(days=term.lock_after_days if term else LOCK_AFTER_DAYS),
        "clearing_date": report.event_date + timedelta(days=term.clear_after_days if term else CLEAR_AFTER_DAYS),
        "cleared_at": None,
        "original_currency": report.currency or program.currency,
        "program_currency": program.currency,
        "partner_currency": partner.currency if partner else "",
        "term_figures": figures.kept if figures else None,
        "created_worth": None,
        "rates": None,
        "net_lines": tracker.net_lines,
        "original_amount": ZERO,
        "order_discount": None,
        "amount": ZERO,
        "intended_amount": None,
        "payout": ZERO,
        "intended_payout": None,
        "event_code": report.event_code,
        "media_source_ids": [],
        # Who the report named, although nobody is known by it.
        "reported": {"MediaPartnerId": str(report.partner_id)}
        if credit.no_payout_reason == "PARTNER_NOT_FOUND"
        else {},
    }
    related = {"program": program, "action_tracker": tracker, "partner": partner, "contract_term": term}
    return ActionState(made(Action, values, related), figures=figures, new=True)


def within_limits(state: ActionState, standing: Standing, limits: Limits) -> Standing:
    """What the new action stands at once its term's limits are kept; what it was to be is noted with it."""
    action, worth = state.action, standing.worth
    action.intended_amount, action.intended_payout = worth.amount, worth.payout
    term = state.paying_term
    over_limit = limits.grant(term, state.day, worth.payout) if term else ""
    if not over_limit:
        return standing
    action.no_payout_reason = over_limit
    return standing._replace(worth=worth._replace(payout=ZERO))
