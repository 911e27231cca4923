"""What a report makes of an action: it is created, modified, reversed or restored. Pure.

Nothing is changed here. The answer is what the action is to become; the caller lets it.
"""

from __future__ import annotations

from decimal import Decimal

from actions.models import Action, ActionEvent
from actions.recording.action_state import ZERO, ActionState, Standing, Worth
from actions.recording.currency import Rates
from actions.recording.items import merge
from actions.recording.pricing import price_lines, price_total
from actions.reports.rejected import Rejected
from actions.reports.report import Report

Kind = ActionEvent.Kind


def work_out(state: ActionState, report: Report, rates: Rates) -> tuple[Kind, Standing]:
    """What happens to the action, and what it stands at afterwards; it may be what it stands at already.

    Raises:
        Rejected: the action's status does not allow it, or the report itself is wrong.
    """
    _require_currency(state.action, report)
    kind = _kind(state.action, report)
    _require_status(state.action, kind)
    standing = state.standing
    return kind, Standing(
        status=Action.Status.REVERSED if kind == Kind.REVERSED else Action.Status.PENDING,
        status_detail=report.reason,
        reported={**standing.reported, **report.parameters},
        media_source_ids=standing.media_source_ids
        if report.media_source_ids is None
        else list(report.media_source_ids),
        worth=_worth(state, report, kind, rates),
    )


def _kind(action: Action, report: Report) -> Kind:
    """What the report says has happened; but a modification that leaves nothing of an order's amount reverses it."""
    takes_all_back = report.kind == Kind.MODIFIED and report.amount == 0 and action.original_amount > 0
    return Kind.REVERSED if takes_all_back else report.kind


def _worth(state: ActionState, report: Report, kind: Kind, rates: Rates) -> Worth:
    match kind:
        case Kind.REVERSED:
            return state.worth._replace(amount=ZERO, payout=ZERO)
        case Kind.RESTORED:
            if state.before_reversal is None:
                raise ValueError(f"The reversed action {state.action.action_id} has no event before its reversal.")
            amount, payout = state.before_reversal
            return state.worth._replace(amount=amount, payout=payout)
        case Kind.MODIFIED if not report.items and report.amount is None:
            _require_content(report)
            return state.worth
    if not report.items:
        return price_total(state, report.amount or ZERO, rates)
    lines = merge(state.lines, report.items)
    total = _total_beside(state, report)
    return price_lines(state, lines, rates) if total is None else price_total(state, total, rates, lines)


def _total_beside(state: ActionState, report: Report) -> Decimal | None:
    """The order's amount, where its items carry no money and so cannot say it; None where they are counted."""
    if report.amount is not None:
        return report.amount
    if any(item.carries_money for item in report.items) or any(line.sub_total for line in state.lines):
        return None
    return state.action.original_amount


def _require_content(report: Report) -> None:
    if not report.parameters and report.media_source_ids is None:
        raise Rejected("NO_ITEM", "The modification changes nothing; it needs Items, Amount or another field.")


def _require_currency(action: Action, report: Report) -> None:
    if report.currency not in ("", action.original_currency):
        raise Rejected(
            "MALFORMED",
            f"CurrencyCode: the order is in {action.original_currency}, not {report.currency}.",
            "CurrencyCode",
        )


def _require_status(action: Action, kind: Kind) -> None:
    if kind == Kind.RESTORED:
        if action.status != Action.Status.REVERSED:
            raise Rejected(
                "ACTION_NOT_REVERSED",
                f"The action {action.action_id} is {action.status}; only a reversed one can be restored.",
            )
    elif action.status != Action.Status.PENDING:
        raise Rejected(
            "ACTION_NOT_PENDING",
            f"The action {action.action_id} is {action.status}; only a pending one can be {kind}.",
        )
