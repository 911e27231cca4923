"""What a report makes of an action: it is created, modified, reversed or restored. Pure.

Nothing is changed here. The answer is what the action is to become; the caller lets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from actions.models import Action, ActionEvent
from actions.recording.action_state import ZERO, ActionState, Standing, Worth
from actions.recording.currency import Rates, rounded
from actions.recording.order_total import reported_total
from actions.recording.pricing import price_report
from actions.reports.rejected import Rejected
from actions.reports.report import REPORTED_MONEY, Report

Kind = ActionEvent.Kind
# Python 3.11 takes longer to look these up than to compare them.
_MODIFIED, _REVERSED, _RESTORED = Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED
_PENDING, _TAKEN_BACK = Action.Status.PENDING, Action.Status.REVERSED
_MONEY: Final = frozenset(REPORTED_MONEY)


def work_out(state: ActionState, report: Report, rates: Rates) -> tuple[Kind, Standing]:
    """What happens to the action, and what it stands at afterwards; it may be what it stands at already.

    Raises:
        Rejected: the action's status does not allow it, or the report itself is wrong.
    """
    _require_currency(state.action, report)
    kind = _kind(state, report)
    _require_status(state.action, kind)
    standing = state.standing
    return kind, Standing(
        _TAKEN_BACK if kind == _REVERSED else _PENDING,
        report.reason,
        {**standing.reported, **_written(report.parameters, state.currencies.cart)},
        standing.media_source_ids if report.media_source_ids is None else list(report.media_source_ids),
        _worth(state, report, kind, rates),
    )


def _written(parameters: Mapping[str, str], currency: str) -> Mapping[str, str]:
    """Reported parameters as they render: money with the decimals of the cart's currency, read before it was known."""
    if _MONEY.isdisjoint(parameters):
        return parameters
    money = [name for name in REPORTED_MONEY if name in parameters]
    return {**parameters, **{name: f"{rounded(Decimal(parameters[name]), currency):f}" for name in money}}


def _kind(state: ActionState, report: Report) -> Kind:
    """What the report says has happened.

    But a modification that leaves nothing of an order's amount reverses it, and one that resets a reversed action
    restores it.
    """
    if report.kind != _MODIFIED:
        return report.kind
    if report.resets and state.action.status == _TAKEN_BACK:
        return _RESTORED
    if not report.has_total or not state.action.original_amount:
        return report.kind
    return report.kind if reported_total(report, state.counting) else _REVERSED


def _worth(state: ActionState, report: Report, kind: Kind, rates: Rates) -> Worth:
    if report.resets:
        return state.worth_as_created
    if kind == _REVERSED:
        return state.worth._replace(amount=ZERO, payout=ZERO)
    if kind == _RESTORED:
        if state.before_reversal is None:
            raise ValueError(f"The reversed action {state.action.action_id} has no event before its reversal.")
        amount, payout = state.before_reversal
        return state.worth._replace(amount=amount, payout=payout)
    if kind == _MODIFIED and not report.has_money:
        _require_content(report)
        return state.worth
    return price_report(state, report, rates)


def _require_content(report: Report) -> None:
    if not report.parameters and not report.reason and report.media_source_ids is None:
        raise Rejected("NO_ITEM", "The modification changes nothing; it needs Items, Amount, Reason or another field.")


def _require_currency(action: Action, report: Report) -> None:
    if report.currency not in ("", action.original_currency):
        raise Rejected(
            "MALFORMED",
            f"CurrencyCode: the order is in {action.original_currency}, not {report.currency}.",
            "CurrencyCode",
        )


def _require_status(action: Action, kind: Kind) -> None:
    if kind == _RESTORED:
        if action.status != _TAKEN_BACK:
            raise Rejected(
                "ACTION_NOT_REVERSED",
                f"The action {action.action_id} is {action.status}; only a reversed one can be restored.",
            )
    elif action.status != _PENDING:
        raise Rejected(
            "ACTION_NOT_PENDING",
            f"The action {action.action_id} is {action.status}; only a pending one can be {kind}.",
        )
