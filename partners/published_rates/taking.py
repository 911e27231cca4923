"""Stores published rates, all that is to be stored of a document in one transaction; accepts and declines held ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from partners.models import ExchangeRate, HeldRate, RateFeed
from partners.published_rates.document import Sheet
from partners.published_rates.judging import Judged, Known, judge

EURO = "EUR"


@dataclass(slots=True)
class Taken:
    """What became of each day: how many rates were added, and what was held, by day and currency."""

    days: list[Judged] = field(default_factory=list)
    held: list[HeldRate] = field(default_factory=list)  # New ones.

    @property
    def added(self) -> int:
        return sum(len(each.taken) for each in self.days)


def lock_feed() -> RateFeed:
    """The row about fetching, locked until the transaction ends: one process at a time takes rates."""
    RateFeed.objects.bulk_create([RateFeed()], ignore_conflicts=True)
    return RateFeed.objects.select_for_update().get()


def newest_day() -> date | None:
    """The latest day of which published rates are stored."""
    return _published().order_by("-date").values_list("date", flat=True).first()


def take(sheets: Sequence[Sheet], most_percent: int, *, dry_run: bool = False) -> Taken:
    """Store what is new in `sheets`, which are in the order of their days. Nothing that is stored changes."""
    taken = Taken()
    if not sheets:
        return taken
    with transaction.atomic():
        lock_feed()
        before = _known_before(sheets[0].day)
        stored = _stored_since(sheets[0].day)
        for sheet in sheets:
            judged = judge(sheet, before, stored.get(sheet.day, {}), most_percent)
            _store(judged, taken)
            before |= {
                currency: Known(sheet.day, rate)
                for currency, rate in (stored.get(sheet.day, {}) | dict(judged.taken)).items()
            }
        transaction.set_rollback(dry_run)
    return taken


def _store(judged: Judged, taken: Taken) -> None:
    ExchangeRate.objects.bulk_create(_row(currency, judged.day, rate) for currency, rate in judged.taken.items())
    known = set(HeldRate.objects.filter(date=judged.day).values_list("currency", flat=True))
    fresh = [
        HeldRate(currency=odd.currency, date=judged.day, published=odd.published, rate=odd.rate, reason=odd.reason)
        for odd in judged.odd
        if odd.currency not in known
    ]
    HeldRate.objects.bulk_create(fresh)
    _forget_earlier(judged.taken, judged.day)
    taken.days.append(judged)
    taken.held += fresh


def waiting() -> list[HeldRate]:
    """The rates that an operator is to accept or decline."""
    return list(HeldRate.objects.filter(declined_at=None).order_by("date", "currency"))


def accept(held: HeldRate) -> None:
    """Let it be in force for its day, in place of what was published before for the same day.

    Raises:
        ValueError: it is not a number.
    """
    if held.rate is None:
        raise ValueError(f"{held.currency} of {held.date}: {held.published} is no rate. Type one, or decline it.")
    with transaction.atomic():
        lock_feed()
        row = _published().filter(to_currency=held.currency, date=held.date).first() or _row(
            held.currency, held.date, held.rate
        )
        row.rate = held.rate
        row.save()
        _forget_earlier([held.currency], held.date)
        held.delete()


def decline(held: HeldRate, now: datetime | None = None) -> None:
    """Leave it out of force; it is not held again."""
    held.declined_at = now or timezone.now()
    held.save(update_fields=["declined_at"])


def _forget_earlier(currencies: Iterable[str], day: date) -> None:
    """What was odd before a rate that is in force needs no answer any more."""
    HeldRate.objects.filter(currency__in=list(currencies), date__lt=day, declined_at=None).delete()


def _row(currency: str, day: date, rate: Decimal) -> ExchangeRate:
    return ExchangeRate(date=day, from_currency=EURO, to_currency=currency, rate=rate, source=ExchangeRate.Source.ECB)


def _published() -> QuerySet[ExchangeRate]:
    return ExchangeRate.objects.filter(source=ExchangeRate.Source.ECB, from_currency=EURO)


def _known_before(day: date) -> dict[str, Known]:
    latest = _published().filter(date__lt=day).order_by("to_currency", "-date").distinct("to_currency")
    return {row.to_currency: Known(row.date, row.rate) for row in latest}


def _stored_since(day: date) -> dict[date, dict[str, Decimal]]:
    found: dict[date, dict[str, Decimal]] = {}
    for row in _published().filter(date__gte=day):
        found.setdefault(row.date, {})[row.to_currency] = row.rate
    return found
