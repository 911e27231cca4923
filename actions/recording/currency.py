"""Money from one currency to another, by the rates that operators type and the European Central Bank publishes.

A typed rate holds until the bank publishes a later one, or longer if it is marked to be kept. Published rates are of
euros; other pairs go by way of the euro, by the rates of one day.

Amounts stay exact until `rounded` rounds them once: decimals where nothing was converted, fractions, which take ten
times as long, where something was. All but `load_rates` is pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from actions.reports.rejected import Rejected
from partners.models import ExchangeRate
from value_types.currencies import minor_units, smallest_unit

MAX_AMOUNT = 10**14  # Exclusive, and above any order; with all its decimals it fits the digits of decimal arithmetic.

# The comparison of decimals takes a third of the time of that with whole numbers.
_LEAST, _MOST = Decimal(-MAX_AMOUNT), Decimal(MAX_AMOUNT)

EURO: Final = "EUR"

Pair = tuple[str, str]
Exact: TypeAlias = Decimal | Fraction


class Typed(NamedTuple):
    """A rate that an operator typed. It goes before one that is published for the same day; `kept`: for any."""

    source: str
    target: str
    day: date
    rate: Decimal
    kept: bool = False


class Quote(NamedTuple):
    """What a euro is worth in `currency`, as published for a day."""

    currency: str
    day: date
    rate: Decimal


class _Found(NamedTuple):
    day: date
    rate: Fraction
    kept: bool = False


class Rates:
    """Exchange rates by pair and day: typed ones, as rows (from, to, day, rate), and those of the Central Bank.

    A published rate is used for `used_days` days, unless there is a later one.
    """

    def __init__(self, typed: Iterable[Sequence[Any]], quotes: Iterable[Quote] = (), used_days: int = 30) -> None:
        self._typed: dict[Pair, list[Typed]] = defaultdict(list)
        for row in sorted(Typed(*each) for each in typed):
            self._typed[row.source, row.target].append(row)
        self._quotes: dict[str, dict[date, Decimal]] = defaultdict(dict)
        for quote in sorted(quotes):
            self._quotes[quote.currency][quote.day] = quote.rate
        self._used = timedelta(days=used_days)
        self._known: Mapping[str, str] = {}
        self._found: dict[tuple[str, str, date], Fraction] = {}  # An order's lines all ask for the same.

    def after(self, known: Mapping[str, str]) -> Rates:
        """These rates; but those that are `known`, by their pairs as `between` gives them, go first."""
        other = copy(self)
        other._known = known  # noqa: SLF001 -- a copy of its own
        return other

    def between(self, pairs: Iterable[Pair], day: date) -> dict[str, str]:
        """The rates on `day` as fractions, by `EUR USD`; without those that there are not."""
        found = {}
        for source, target in pairs:
            with suppress(Rejected):
                found[f"{source} {target}"] = str(self._rate(source, target, day))
        return found

    def convert(self, amount: Exact, source: str, target: str, day: date) -> Exact:
        """What `amount` of `source` is worth in `target` on `day`, exactly.

        Raises:
            Rejected: there is no rate between the two up to that day, or only one that is too old.
        """
        if source == target or not amount:
            return amount
        return Fraction(amount) * self._rate(source, target, day)

    def _rate(self, source: str, target: str, day: date) -> Fraction:
        if (known := self._known.get(f"{source} {target}")) is not None:
            return Fraction(known)
        found = self._found.get((source, target, day))
        if found is None:
            found = self._found[source, target, day] = self._looked_up(source, target, day)
        return found

    def _looked_up(self, source: str, target: str, day: date) -> Fraction:
        typed, published = self._latest_typed(source, target, day), self._published(source, target, day)
        if typed is not None and (typed.kept or published is None or typed.day >= published.day):
            return typed.rate
        if published is None:
            raise Rejected(
                "EXCHANGE_RATE_NOT_FOUND",
                f"There is no exchange rate between {source} and {target} for {day} or earlier; add one and report "
                "again.",
                "CurrencyCode",
            )
        if day - published.day > self._used:
            raise Rejected(
                "EXCHANGE_RATE_NOT_FOUND",
                f"The latest exchange rate between {source} and {target} is that of {published.day}, which is too old "
                f"for {day}: a published rate is used for {self._used.days} days. Add one and report again.",
                "CurrencyCode",
            )
        return published.rate

    def _latest_typed(self, source: str, target: str, day: date) -> _Found | None:
        """The latest rate up to `day`. A direct one, however old, goes before the inverse of the opposite."""
        for pair in ((source, target), (target, source)):
            rows = self._typed.get(pair, ())
            index = bisect_right(rows, day, key=attrgetter("day"))
            if index:
                row = rows[index - 1]
                rate = Fraction(row.rate)
                return _Found(row.day, rate if pair[0] == source else 1 / rate, row.kept)
        return None

    def _published(self, source: str, target: str, day: date) -> _Found | None:
        """By way of the euro, both quotes of one day: the latest up to `day` that has both."""
        quoted = [self._quotes.get(each, {}) for each in (source, target) if each != EURO]
        common = set(quoted[0]).intersection(*quoted[1:])
        latest = max((each for each in common if each <= day), default=None)
        if latest is None:
            return None
        return _Found(latest, Fraction(self._of_euro(target, latest)) / Fraction(self._of_euro(source, latest)))

    def _of_euro(self, currency: str, day: date) -> Decimal | int:
        return 1 if currency == EURO else self._quotes[currency][day]


def load_rates(currencies: Collection[str], days: Collection[date]) -> Rates:
    """The rates between `currencies` that hold on any of `days`; one query, none for a single currency."""
    if len(currencies) < 2 or not days:
        return Rates(())
    used_days: int = settings.EXCHANGE_RATES_USED_DAYS
    published = Q(source=ExchangeRate.Source.ECB)
    newest_at_first_day = (
        ExchangeRate.objects.filter(
            from_currency=OuterRef("from_currency"),
            to_currency=OuterRef("to_currency"),
            source=OuterRef("source"),
            date__lte=min(days),
        )
        .order_by("-date")
        .values("date")[:1]
    )
    # Two currencies need a day that has both, which may be earlier than the newest of one.
    in_use = published & Q(date__gte=min(days) - timedelta(days=used_days))
    rows = ExchangeRate.objects.filter(
        Q(from_currency__in=currencies) | published & Q(from_currency=EURO),
        Q(date__gt=min(days)) | Q(date=Subquery(newest_at_first_day)) | in_use,
        to_currency__in=currencies,
        date__lte=max(days),
    ).values_list("source", "from_currency", "to_currency", "date", "rate", "kept")
    typed = [row[1:] for row in rows if row[0] == ExchangeRate.Source.HAND]
    quotes = [Quote(*row[2:5]) for row in rows if row[0] == ExchangeRate.Source.ECB]
    return Rates(typed, quotes, used_days)


def rounded(amount: Exact, currency: str) -> Decimal:
    """The amount with the decimals of `currency`, rounded half even.

    Raises:
        Rejected: it is larger than can be kept.
    """
    if not _LEAST < amount < _MOST:
        raise Rejected("MALFORMED", f"An amount of {float(amount):.3g} is too large to be kept.", "Amount")
    if isinstance(amount, Decimal):
        unit = smallest_unit(currency)
        return amount if amount.same_quantum(unit) else amount.quantize(unit, ROUND_HALF_EVEN)
    decimals = minor_units(currency)
    return Decimal(round(amount * 10**decimals)).scaleb(-decimals)
