"""What an action pays its partner. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from actions.recording.currency import Exact, Pair, Rates, rounded
from partners.models import Figure, Figures

# Of the largest amount, with its decimals, and the largest percentage no digit is lost.
EXACT = Context(prec=40)

PricedLine = tuple[str, int, Exact]
"""The category of an item, how many pieces, and the exact amount of all of them in the program's currency."""


def payout_for(
    figures: Figures, amount: Exact, pair: Pair, rates: Rates, day: date, *, lines: Sequence[PricedLine] = ()
) -> Decimal:
    """What `figures` pay in the second currency of `pair`, the partner's, rounded once, half even.

    `amount` is the exact amount in the first, the program's; `lines` are those of which it is the sum, or none where
    only the total is known. A flat payout is in the partner's currency already.

    Raises:
        Rejected: there is no rate to the partner's currency on `day`.
    """
    account, partners = pair
    if lines and figures.of_category:
        flat, share = _sums(figures, lines)
        return rounded(flat + Fraction(rates.convert(share, account, partners, day)), partners)
    usual = figures.usual
    if usual.is_flat:
        return rounded(usual.payout, partners)
    share_of_all: Exact = (
        EXACT.multiply(amount, usual.payout).scaleb(-2)
        if isinstance(amount, Decimal)
        else amount * Fraction(usual.payout) / 100
    )
    return rounded(rates.convert(share_of_all, account, partners, day), partners)


def _sums(figures: Figures, lines: Sequence[PricedLine]) -> tuple[Fraction, Fraction]:
    """What is paid flat, in the partner's currency, and as a share, in the program's.

    What the term itself pays is for the items of no category of its own: a percentage of those, or flat, once.
    """
    flat = share = rest = Fraction(0)
    others = False
    usual: Figure = figures.usual
    for category, quantity, amount in lines:
        payout = figures.of_category.get(category.casefold())
        if payout is None:
            rest += Fraction(amount)
            others = True
        elif payout.is_flat:
            flat += Fraction(payout.payout) * quantity
        else:
            share += Fraction(amount) * Fraction(payout.payout) / 100
    if others and usual.is_flat:
        flat += Fraction(usual.payout)
    elif others:
        share += rest * Fraction(usual.payout) / 100
    return flat, share
