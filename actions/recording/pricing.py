"""What an order is worth: its total in the cart's currency, its amount in the program's, its payout in the partner's.

All three are after discounts. Pure. Rounds each once, from the exact sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actions.recording.action_state import ZERO, ActionState, Worth
from actions.recording.currency import Rates, rounded
from actions.recording.items import merge
from actions.recording.lines import Line
from actions.recording.order_total import discounted_lines, less, reported_total
from actions.recording.payout import PricedLine, payout_for
from actions.reports.report import Report


def price_report(state: ActionState, report: Report, rates: Rates) -> Worth:
    """What the order is worth once `report` is taken into account.

    Its items, if they carry money, are the order; otherwise its total is. A discount by itself comes off what the order
    stood at before discounts.

    Raises:
        Rejected: an amount cannot be converted, is too large to be kept, or is less than what is to come off it.
    """
    total = reported_total(report, state.counting)
    itemized = any([item.carries_money for item in report.items])  # noqa: C419 -- a generator takes twice as long
    if total is not None and not itemized:
        return _price_total(state, report, total, rates)
    if itemized or any(line.sub_total for line in state.lines):
        return _price_lines(state, report, rates)
    if report.order_discount is None:  # Of lines that say nothing of money, something else changes.
        return _price_total(state, report, state.action.original_amount, rates)
    kept = state.action.order_discount or ZERO
    before = state.action.original_amount + (kept if state.counting.discounts else ZERO)
    return _price_total(state, report, _after_discount(state, report, before), rates)


def _need_money(state: ActionState, report: Report) -> bool:
    """Whether this changes an order that is worth what its lines are, and not a total that was reported apart."""
    if not state.lines:
        return False
    by_lines = any(line.sub_total for line in state.lines) or not state.action.original_amount
    return by_lines and not report.has_total


def _after_discount(state: ActionState, report: Report, before: Decimal) -> Decimal:
    counting = state.counting
    return less(before, counting.rounded(report.order_discount or ZERO)) if counting.discounts else before


def _price_total(state: ActionState, report: Report, total: Decimal, rates: Rates) -> Worth:
    """The worth of an order of which only the total is known; its lines change only in what is not money."""
    lines, discount, counting = state.lines, report.order_discount, state.counting
    if discount is None and lines:
        discount = state.action.order_discount  # Of the lines, which count again once one of them changes.
    elif discount is None and report.amount is not None and report.post_discount is not None:
        discount = counting.rounded(report.amount) - total
    if report.items:
        merged = merge(lines, report.items, counting, need_money=_need_money(state, report))
        lines, _ = discounted_lines(merged, counting, told=None, kept=discount, after=None)
    return _worth(state, lines, total, rates, discount=discount)


def _price_lines(state: ActionState, report: Report, rates: Rates) -> Worth:
    """The worth of an order with lines: their sum."""
    cart, account, _ = state.currencies
    day, counting = state.day, state.counting
    merged = merge(state.lines, report.items, counting, need_money=_need_money(state, report))
    lines, discount = discounted_lines(
        merged,
        counting,
        told=report.order_discount,
        kept=state.action.order_discount,
        after=report.post_discount,
    )
    exact = [rates.convert(line.sub_total, cart, account, day) for line in lines]
    priced = tuple([line.priced(rounded(each, account)) for line, each in zip(lines, exact, strict=True)])
    figures = state.paying_figures
    categories: tuple[PricedLine, ...] = ()
    if figures and figures.of_category:
        categories = tuple([(line.category, line.quantity, each) for line, each in zip(lines, exact, strict=True)])
    total = sum([line.sub_total for line in lines], ZERO)
    return _worth(state, priced, total, rates, discount=discount, categories=categories)


def _worth(
    state: ActionState,
    lines: tuple[Line, ...],
    total: Decimal,
    rates: Rates,
    *,
    discount: Decimal | None,
    categories: Sequence[PricedLine] = (),
) -> Worth:
    cart, account, partners = state.currencies
    day, figures = state.day, state.paying_figures
    amount = rates.convert(total, cart, account, day)
    payout = payout_for(figures, amount, (account, partners), rates, day, lines=categories) if figures else ZERO
    return Worth(lines, rounded(total, cart), rounded(amount, account), payout, discount)
