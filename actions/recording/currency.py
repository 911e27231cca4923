"""Money from one currency to another, by the table of rates that operators keep.

Amounts stay exact until `rounded` rounds them once: decimals where nothing was converted, fractions, which take ten
times as long, where something was. All but `load_rates` is pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TypeAlias

from django.db.models import OuterRef, Q, Subquery

from actions.reports.rejected import Rejected
from partners.models import ExchangeRate
from value_types.currencies import minor_units, smallest_unit

MAX_AMOUNT = 10**14  # Exclusive, and above any order; with all its decimals it fits the digits of decimal arithmetic.

# The comparison of decimals takes a third of the time of that with whole numbers.
_LEAST, _MOST = Decimal(-MAX_AMOUNT), Decimal(MAX_AMOUNT)

Pair = tuple[str, str]
Exact: TypeAlias = Decimal | Fraction


class Rates:
    """Exchange rates by pair and day, from rows (from, to, day, rate)."""

    def __init__(self, rows: Iterable[tuple[str, str, date, Decimal]]) -> None:
        self._days: dict[Pair, list[date]] = defaultdict(list)
        self._rates: dict[Pair, list[Decimal]] = defaultdict(list)
        for source, target, day, rate in sorted(rows):
            self._days[source, target].append(day)
            self._rates[source, target].append(rate)

    def convert(self, amount: Exact, source: str, target: str, day: date) -> Exact:
        """What `amount` of `source` is worth in `target` on `day`, exactly, by the latest rate up to that day.

        The direct rate is taken, however old; the inverse of the opposite one where there is no direct rate.

        Raises:
            Rejected: there is no rate between the two up to that day.
        """
        if source == target or not amount:
            return amount
        direct = self._latest(source, target, day)
        if direct is not None:
            return Fraction(amount) * Fraction(direct)
        inverse = self._latest(target, source, day)
        if inverse is not None:
            return Fraction(amount) / Fraction(inverse)
        raise Rejected(
            "EXCHANGE_RATE_NOT_FOUND",
            f"There is no exchange rate between {source} and {target} for {day} or earlier; add one and report again.",
            "CurrencyCode",
        )

    def _latest(self, source: str, target: str, day: date) -> Decimal | None:
        index = bisect_right(self._days.get((source, target), []), day)
        return self._rates[source, target][index - 1] if index else None


def load_rates(currencies: Collection[str], days: Collection[date]) -> Rates:
    """The rates between `currencies` that hold on any of `days`; one query, none for a single currency."""
    if len(currencies) < 2 or not days:
        return Rates(())
    of_both = ExchangeRate.objects.filter(from_currency__in=currencies, to_currency__in=currencies)
    newest_at_first_day = (
        ExchangeRate.objects.filter(
            from_currency=OuterRef("from_currency"), to_currency=OuterRef("to_currency"), date__lte=min(days)
        )
        .order_by("-date")
        .values("date")[:1]
    )
    rows = of_both.filter(Q(date__gt=min(days)) | Q(date=Subquery(newest_at_first_day)), date__lte=max(days))
    return Rates(rows.values_list("from_currency", "to_currency", "date", "rate"))


def rounded(amount: Exact, currency: str) -> Decimal:
    """The amount with the decimals of `currency`, rounded half even.

    Raises:
        Rejected: it is larger than can be kept.
    """
    if not _LEAST < amount < _MOST:
        raise Rejected("MALFORMED", f"An amount of {float(amount):.3g} is too large to be kept.", "Amount")
    if isinstance(amount, Decimal):
        return amount.quantize(smallest_unit(currency), ROUND_HALF_EVEN)
    decimals = minor_units(currency)
    return Decimal(round(amount * 10**decimals)).scaleb(-decimals)
