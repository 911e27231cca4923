"""What a report does to an action: it is created, modified, reversed or restored.

Each function works out the whole change before it touches the order, so that a refused report leaves no trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.recording.credit import Credit
from actions.recording.currency import Rates, to_cents
from actions.recording.items import Line, merge
from actions.recording.limits import Limits
from actions.recording.orders import Order
from actions.recording.payout import payout_for
from actions.recording.snapshot import snapshot
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from partners.models import ActionTracker, ContractTerm

Kind = ActionEvent.Kind
ZERO = Decimal("0.00")

# Where no contract term says otherwise.
LOCK_AFTER_DAYS = 30
CLEAR_AFTER_DAYS = 45


class Worth(NamedTuple):
    """What an order is worth: `original` in the cart's currency, `amount` the program's, `payout` the partner's."""

    lines: tuple[Line, ...]
    original: Decimal
    amount: Decimal
    payout: Decimal


def create(
    pk: int,
    report: Report,
    tracker: ActionTracker,
    credit: Credit,
    *,
    repeat: int,
    rates: Rates,
    limits: Limits,
    now: datetime,
) -> tuple[Order, ActionEvent]:
    """The new action with the id `pk`, and its first event.

    Raises:
        Rejected: its amounts cannot be converted.
    """
    if report.event_date is None:
        raise ValueError("A new action has an event date.")
    offset = report.event_date.utcoffset() or timedelta()
    term = credit.term
    action = Action(
        pk=pk,
        program=tracker.program,
        action_tracker=tracker,
        partner=credit.partner,
        contract_term=term,
        no_payout_reason=credit.no_payout_reason,
        order_id=report.order_id,
        order_repeat=repeat,
        status_detail=report.reason,
        event_date=report.event_date,
        event_utc_offset_minutes=offset // timedelta(minutes=1),
        created_at=now,
        locking_date=report.event_date + timedelta(days=term.lock_after_days if term else LOCK_AFTER_DAYS),
        clearing_date=report.event_date + timedelta(days=term.clear_after_days if term else CLEAR_AFTER_DAYS),
        original_currency=report.currency or tracker.program.currency,
        event_code=report.event_code,
        media_source_ids=list(report.media_source_ids or ()),
        reported=dict(report.parameters),
    )
    if credit.no_payout_reason == "PARTNER_NOT_FOUND":
        action.reported["MediaPartnerId"] = str(report.partner_id)
    order = Order(action, new=True)
    worth = _worth(order, merge((), report.items), report.amount or ZERO, term, rates)
    action.intended_amount, action.intended_payout = worth.amount, worth.payout
    if term is not None:
        over_limit = limits.grant(term, order.day, worth.payout)
        if over_limit:
            action.no_payout_reason = over_limit
            worth = worth._replace(payout=ZERO)
    action.amount = action.payout = ZERO
    _put(order, worth)
    return order, _event(order, Kind.CREATED, ZERO, ZERO)


def change(order: Order, report: Report, rates: Rates) -> ActionEvent | None:
    """Apply a modification, reversal or restoration; its event, or None where it says what already is.

    Raises:
        Rejected: the action's status does not allow it, or the change itself is wrong.
    """
    action = order.action
    if report.currency not in ("", action.original_currency):
        raise Rejected(
            "MALFORMED",
            f"CurrencyCode: the order is in {action.original_currency}, not {report.currency}.",
            "CurrencyCode",
        )
    takes_all_back = report.kind == Kind.MODIFIED and report.amount == 0 and action.original_amount > 0
    kind = Kind.REVERSED if takes_all_back else report.kind
    _require_status(action, kind)
    match kind:
        case Kind.REVERSED:
            worth = Worth(order.lines, action.original_amount, ZERO, ZERO)
            order.before_reversal = action.amount, action.payout
            status = Action.Status.REVERSED
        case Kind.RESTORED:
            if order.before_reversal is None:
                raise ValueError(f"The reversed action {action.action_id} has no event before its reversal.")
            worth = Worth(order.lines, action.original_amount, *order.before_reversal)
            status = Action.Status.PENDING
        case _:
            worth = _modified(order, report, rates)
            status = Action.Status.PENDING
    before = _state(order)
    amount, payout = action.amount, action.payout
    action.status = status
    action.status_detail = report.reason
    action.reported = {**action.reported, **report.parameters}
    if report.media_source_ids is not None:
        action.media_source_ids = list(report.media_source_ids)
    _put(order, worth)
    if _state(order) == before:
        return None
    order.changed = True
    return _event(order, kind, amount, payout)


def lock(order: Order) -> ActionEvent:
    """A pending action is approved, and nothing can change it any more."""
    order.action.status = Action.Status.APPROVED
    return _passed(order, Kind.LOCKED)


def clear(order: Order) -> ActionEvent:
    """An approved action is to be paid."""
    order.action.cleared_at = timezone.now()
    return _passed(order, Kind.CLEARED)


def _passed(order: Order, kind: Kind) -> ActionEvent:
    """An event without a report: it has no reason, and no amount changes."""
    order.action.status_detail = ""
    order.changed = True
    return _event(order, kind, order.action.amount, order.action.payout)


def _require_status(action: Action, kind: str) -> None:
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


def _modified(order: Order, report: Report, rates: Rates) -> Worth:
    action = order.action
    if not report.items and report.amount is None:
        if not report.parameters and report.media_source_ids is None:
            raise Rejected("NO_ITEM", "The modification changes nothing; it needs Items, Amount or another field.")
        return Worth(order.lines, action.original_amount, action.amount, action.payout)
    term = None if action.no_payout_reason else action.contract_term
    if report.items:
        return _worth(order, merge(order.lines, report.items), ZERO, term, rates)
    total = report.amount if report.amount is not None else action.original_amount
    worth = _worth(order, (), total, term, rates)
    return worth._replace(lines=order.lines)


def _worth(order: Order, lines: Sequence[Line], total: Decimal, term: ContractTerm | None, rates: Rates) -> Worth:
    """Price an order: by its lines, or by `total` where it has none. Rounds once, from the exact sum."""
    action, day = order.action, order.day
    cart, account = action.original_currency, action.program.currency
    if lines:
        total = sum((line.sub_total for line in lines), ZERO)
    amount = rates.convert(total, cart, account, day)
    exact = [rates.convert(line.sub_total, cart, account, day) for line in lines]
    priced = tuple([line.priced(to_cents(each)) for line, each in zip(lines, exact, strict=True)])
    categories = [(line.category, line.quantity, each) for line, each in zip(lines, exact, strict=True)]
    payout = payout_for(term, amount, account, rates, day, lines=categories) if term else ZERO
    return Worth(priced, to_cents(total), to_cents(amount), payout)


def _put(order: Order, worth: Worth) -> None:
    order.lines = worth.lines
    order.action.original_amount = worth.original
    order.action.amount = worth.amount
    order.action.payout = worth.payout


def _state(order: Order) -> tuple[Any, ...]:
    action = order.action
    return (
        action.status,
        action.status_detail,
        action.reported,
        action.media_source_ids,
        action.original_amount,
        action.amount,
        action.payout,
        order.lines,
    )


def _event(order: Order, kind: Kind, amount_before: Decimal, payout_before: Decimal) -> ActionEvent:
    """The next event of the order, with the values of this moment."""
    action = order.action
    order.events += 1
    values = snapshot(action, order.lines, action.amount - amount_before, action.payout - payout_before)
    return ActionEvent(action=action, number=order.events, kind=kind, parameters=values)
