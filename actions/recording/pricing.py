"""What an order is worth: its total in the cart's currency, its amount in the program's, its payout in the partner's.

Pure. Rounds each once, from the exact sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actions.recording.action_state import ZERO, ActionState, Worth
from actions.recording.currency import Rates, to_cents
from actions.recording.items import Line
from actions.recording.payout import PricedLine, payout_for


def price_lines(state: ActionState, lines: Sequence[Line], rates: Rates) -> Worth:
    """The worth of an order with `lines`: their sum.

    Raises:
        Rejected: an amount cannot be converted, or is too large to be kept.
    """
    cart, account, _ = state.currencies
    day = state.day
    exact = [rates.convert(line.sub_total, cart, account, day) for line in lines]
    priced = tuple([line.priced(to_cents(each)) for line, each in zip(lines, exact, strict=True)])
    categories = [(line.category, line.quantity, each) for line, each in zip(lines, exact, strict=True)]
    total = sum((line.sub_total for line in lines), ZERO)
    return _worth(state, priced, total, rates, categories)


def price_total(state: ActionState, total: Decimal, rates: Rates, lines: Sequence[Line] | None = None) -> Worth:
    """The worth of an order of which only the total is known; its lines stay as they are, or become `lines`.

    Raises:
        Rejected: as `price_lines`.
    """
    kept = state.lines if lines is None else price_lines(state, lines, rates).lines
    return _worth(state, kept, total, rates, ())


def _worth(
    state: ActionState, lines: tuple[Line, ...], total: Decimal, rates: Rates, categories: Sequence[PricedLine]
) -> Worth:
    cart, account, _ = state.currencies
    day, term = state.day, state.paying_term
    amount = rates.convert(total, cart, account, day)
    payout = payout_for(term, amount, account, rates, day, lines=categories) if term else ZERO
    return Worth(lines, to_cents(total), to_cents(amount), payout)
