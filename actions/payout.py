"""What an action pays its partner. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from actions.currency import Exact, Rates, to_cents
from partners.models import ContractTerm


def payout_for(term: ContractTerm, amount: Exact, currency: str, rates: Rates, day: date) -> Decimal:
    """The payout in the currency of the term's partner, rounded once, half even.

    `amount` is the exact amount in `currency`, the program's. A flat payout is in the partner's currency already.

    Raises:
        Rejected: there is no rate to the partner's currency on `day`.
    """
    if term.payout_type == ContractTerm.PayoutType.FLAT:
        return to_cents(term.payout)
    share = amount * term.payout / 100 if isinstance(amount, Decimal) else amount * Fraction(term.payout) / 100
    return to_cents(rates.convert(share, currency, term.contract.partner.currency, day))
