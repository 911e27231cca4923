"""A new action, before anything has happened to it, and what its term's limits leave of its payout."""

from __future__ import annotations

from datetime import datetime, timedelta

from actions.models import Action
from actions.recording.action_state import ZERO, ActionState, Standing
from actions.recording.credit import Placement
from actions.recording.limits import Limits
from actions.reports.report import Report

# Where no contract term says otherwise.
LOCK_AFTER_DAYS = 30
CLEAR_AFTER_DAYS = 45


def new_action(pk: int, report: Report, placement: Placement, *, repeat: int, now: datetime) -> ActionState:
    """The action with the id `pk`, with everything of the report that no later report can change. Pure."""
    if report.event_date is None:
        raise ValueError("A new action has an event date.")
    tracker, credit, _ = placement
    term = credit.term
    offset = report.event_date.utcoffset() or timedelta()
    action = Action(
        pk=pk,
        program=tracker.program,
        action_tracker=tracker,
        partner=credit.partner,
        contract_term=term,
        no_payout_reason=credit.no_payout_reason,
        order_id=report.order_id,
        order_repeat=repeat,
        event_date=report.event_date,
        event_utc_offset_minutes=offset // timedelta(minutes=1),
        created_at=now,
        locking_date=report.event_date + timedelta(days=term.lock_after_days if term else LOCK_AFTER_DAYS),
        clearing_date=report.event_date + timedelta(days=term.clear_after_days if term else CLEAR_AFTER_DAYS),
        original_currency=report.currency or tracker.program.currency,
        program_currency=tracker.program.currency,
        partner_currency=credit.partner.currency if credit.partner else "",
        term_figures=term.figures.kept if term else None,
        net_lines=tracker.net_lines,
        original_amount=ZERO,
        amount=ZERO,
        payout=ZERO,
        event_code=report.event_code,
        # Who the report named, although nobody is known by it.
        reported={"MediaPartnerId": str(report.partner_id)} if credit.no_payout_reason == "PARTNER_NOT_FOUND" else {},
    )
    return ActionState(action, figures=term.figures if term else None, new=True)


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
