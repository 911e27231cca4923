"""A new action, before anything has happened to it, and what its term's limits leave of its payout."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Model

from actions.models import Action
from actions.recording.action_state import ZERO, ActionState, Bearings, Standing
from actions.recording.credit import Placement
from actions.recording.limits import Limits
from actions.recording.rows import made
from actions.reports.report import Report
from partners.models import Figures

# Where no contract term says otherwise.
LOCK_AFTER_DAYS = 30
CLEAR_AFTER_DAYS = 45
NO_OFFSET: Final = timedelta()
_MINUTES_OF_DAY: Final = 24 * 60


class Template(NamedTuple):
    """What the new actions at one placement have in common; most of a file share a few placements."""

    values: dict[str, Any]
    related: dict[str, Model | None]
    figures: Figures | None
    day: date
    locks_after: timedelta
    clears_after: timedelta
    bearings: dict[str, Bearings]  # By the cart's currency.


def template_of(placement: Placement, report: Report) -> Template:
    """That of all reports that share the placement of `report`. Pure."""
    tracker, credit, day = placement
    program, partner, term = tracker.program, credit.partner, credit.term
    figures = term.figures if term else None
    values = {
        "program_id": program.id,
        "action_tracker_id": tracker.id,
        "partner_id": partner.id if partner else None,
        "contract_term_id": term.id if term else None,
        "no_payout_reason": credit.no_payout_reason,
        "status": Action.Status.PENDING,
        "status_detail": "",
        "cleared_at": None,
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
        # Who the report named, although nobody is known by it.
        "reported": {"MediaPartnerId": str(report.partner_id)}
        if credit.no_payout_reason == "PARTNER_NOT_FOUND"
        else {},
    }
    return Template(
        values,
        {"program": program, "action_tracker": tracker, "partner": partner, "contract_term": term},
        figures,
        day,
        timedelta(days=term.lock_after_days if term else LOCK_AFTER_DAYS),
        timedelta(days=term.clear_after_days if term else CLEAR_AFTER_DAYS),
        {},
    )


def new_action(pk: int, report: Report, template: Template, *, repeat: int, now: datetime) -> ActionState:
    """The action with the id `pk`, with everything of the report that no later report can change. Pure."""
    event_date = report.event_date
    if event_date is None:
        raise ValueError("A new action has an event date.")
    in_utc, offset = event_date.astimezone(UTC), event_date.utcoffset() or NO_OFFSET
    values = {
        **template.values,
        "id": pk,
        "order_id": report.order_id,
        "order_repeat": repeat,
        "event_date": event_date,
        "event_utc_offset_minutes": offset.days * _MINUTES_OF_DAY + offset.seconds // 60,
        "created_at": now,
        "locking_date": in_utc + template.locks_after,
        "clearing_date": in_utc + template.clears_after,
        "original_currency": report.currency or template.values["program_currency"],
        "event_code": report.event_code,
        # Of each its own: what one action says of an order must not be seen in another.
        "media_source_ids": [],
        "reported": dict(template.values["reported"]),
    }
    action = made(Action, values, template.related)
    bearings = template.bearings.get(values["original_currency"])
    if bearings is None:
        bearings = template.bearings[values["original_currency"]] = Bearings.of(action)
    return ActionState(action, template.day, bearings, figures=template.figures, new=True)


def within_limits(state: ActionState, standing: Standing, limits: Limits) -> Standing:
    """What the new action stands at once its term's limits are kept; what it was to be is noted with it."""
    action, worth = state.action, standing.worth
    action.intended_amount, action.intended_payout = worth.amount, worth.payout
    if not limits.any:
        return standing
    term = state.paying_term
    over_limit = limits.grant(term, state.day, worth.payout) if term else ""
    if not over_limit:
        return standing
    action.no_payout_reason = over_limit
    return standing._replace(worth=worth._replace(payout=ZERO))
