"""What an action pays its partner. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from actions.recording.currency import Exact, Rates, to_cents
from partners.models import CategoryPayout, ContractTerm

PricedLine = tuple[str, int, Exact]
"""The category of an item, how many pieces, and the exact amount of all of them in the program's currency."""


def payout_for(
    term: ContractTerm, amount: Exact, currency: str, rates: Rates, day: date, *, lines: Sequence[PricedLine] = ()
) -> Decimal:
    """The payout in the currency of the term's partner, rounded once, half even.

    `amount` is the exact amount in `currency`, the program's; `lines` are those of which it is the sum, or none where
    only the total is known. A flat payout is in the partner's currency already.

    Raises:
        Rejected: there is no rate to the partner's currency on `day`.
    """
    partners = term.contract.partner.currency
    by_category = term.payout_of_category if lines else {}
    if by_category:
        flat, share = _sums(term, by_category, lines)
        return to_cents(flat + Fraction(rates.convert(share, currency, partners, day)))
    if term.is_flat:
        return to_cents(term.payout)
    share_of_all = amount * term.payout / 100 if isinstance(amount, Decimal) else amount * Fraction(term.payout) / 100
    return to_cents(rates.convert(share_of_all, currency, partners, day))


def _sums(
    term: ContractTerm, by_category: Mapping[str, CategoryPayout], lines: Sequence[PricedLine]
) -> tuple[Fraction, Fraction]:
    """What is paid flat, in the partner's currency, and as a share, in the program's.

    What the term itself pays is for the items of no category of its own: a percentage of those, or flat, once.
    """
    flat = share = rest = Fraction(0)
    others = False
    for category, quantity, amount in lines:
        payout = by_category.get(category.casefold())
        if payout is None:
            rest += Fraction(amount)
            others = True
        elif payout.is_flat:
            flat += Fraction(payout.payout) * quantity
        else:
            share += Fraction(amount) * Fraction(payout.payout) / 100
    if others and term.is_flat:
        flat += Fraction(term.payout)
    elif others:
        share += rest * Fraction(term.payout) / 100
    return flat, share
