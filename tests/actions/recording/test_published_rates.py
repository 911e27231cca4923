"""Typed and published exchange rates: which one counts, pairs by way of the euro, and that an action keeps its own."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from actions.models import Action
from actions.recording.currency import Quote, Rates, load_rates
from actions.reports.rejected import Rejected
from partners.models import ActionTracker, ExchangeRate
from tests.support.factories import make_partner, make_rate, make_term, record_action, record_change

DAY = date(2026, 11, 20)
NEXT = DAY + timedelta(days=1)


def quotes(day: date, **rates: str) -> list[Quote]:
    return [Quote(currency, day, Decimal(rate)) for currency, rate in rates.items()]


def worth(rates: Rates, source: str, target: str, day: date) -> Any:
    return rates.convert(Decimal(1), source, target, day)


def test_pairs_go_by_way_of_the_euro_of_one_day_and_stay_exact() -> None:
    rates = Rates([], quotes(DAY, USD="1.0850", JPY="160.35", SEK="11.02") + quotes(NEXT, USD="1.2", SEK="11"))
    assert worth(rates, "EUR", "USD", DAY) == Fraction("1.0850")
    assert worth(rates, "USD", "EUR", DAY) == 1 / Fraction("1.0850")
    assert worth(rates, "USD", "JPY", DAY) == Fraction("160.35") / Fraction("1.0850")
    assert worth(rates, "USD", "SEK", NEXT) == Fraction(11) / Fraction("1.2")
    assert worth(rates, "USD", "JPY", NEXT) == Fraction("160.35") / Fraction("1.0850"), "not of two days"
    there = worth(rates, "USD", "JPY", DAY)
    assert rates.convert(there, "JPY", "USD", DAY) == 1
    with pytest.raises(Rejected, match="no exchange rate between USD and GBP"):
        worth(rates, "USD", "GBP", DAY)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("EUR", "USD", DAY - timedelta(days=1), Decimal(2)), "1.1"),
        (("EUR", "USD", DAY, Decimal(2)), "2"),
        (("EUR", "USD", NEXT, Decimal(2)), "1.1"),
        (("USD", "EUR", DAY, Decimal("0.5")), "2"),
        (("EUR", "USD", DAY - timedelta(days=900), Decimal(2), True), "2"),
    ],
    ids=["before", "same day", "later", "the inverse", "kept"],
)
def test_a_typed_rate_counts_until_a_later_one_is_published_or_for_as_long_as_it_is_kept(
    typed: tuple[Any, ...], expected: str
) -> None:
    rates = Rates([typed], quotes(DAY, USD="1.1"))
    assert worth(rates, "EUR", "USD", DAY) == Fraction(expected)


def test_a_later_typed_rate_ends_one_that_is_kept() -> None:
    kept, later = ("EUR", "USD", DAY, Decimal(2), True), ("EUR", "USD", NEXT, Decimal(3))
    third = NEXT + timedelta(days=1)
    rates = Rates([kept, later], quotes(third, USD="1.1"))
    assert [worth(rates, "EUR", "USD", day) for day in (DAY, NEXT, third)] == [2, 3, Fraction("1.1")]


def test_a_published_rate_is_used_up_to_a_bound_and_then_none_is() -> None:
    rates = Rates([("EUR", "USD", date(2020, 1, 1), Decimal(2))], quotes(DAY, USD="1.1"), used_days=30)
    assert worth(rates, "EUR", "USD", DAY + timedelta(days=30)) == Fraction("1.1")
    with pytest.raises(Rejected, match="that of 2026-11-20, which is too old for 2026-12-21") as problem:
        worth(rates, "EUR", "USD", DAY + timedelta(days=31))
    assert problem.value.reason_code == "EXCHANGE_RATE_NOT_FOUND"


def published(day: date, **rates: str) -> None:
    for currency, rate in rates.items():
        ExchangeRate.objects.create(
            from_currency="EUR", to_currency=currency, rate=Decimal(rate), date=day, source=ExchangeRate.Source.ECB
        )


@pytest.mark.django_db
def test_published_rates_are_read_for_pairs_without_the_euro() -> None:
    published(DAY - timedelta(days=2), USD="1.25", GBP="0.75")
    published(DAY, USD="1.5")
    published(date(2020, 1, 1), SEK="11")
    make_rate("EUR", "USD", "9")
    rates = load_rates({"USD", "GBP"}, {DAY})
    assert worth(rates, "USD", "GBP", DAY) == Fraction("0.6")
    assert worth(load_rates({"USD", "EUR"}, {DAY}), "EUR", "USD", DAY) == Fraction("1.5")
    with pytest.raises(Rejected, match="that of 2020-01-01, which is too old"):
        worth(load_rates({"SEK", "EUR"}, {DAY}), "SEK", "EUR", DAY)


@pytest.mark.django_db
def test_an_action_is_always_converted_by_the_rates_of_its_recording(tracker: ActionTracker) -> None:
    partner = make_partner(currency="GBP")
    make_term(tracker, partner, "50%")
    published(DAY - timedelta(days=1), USD="1.25", GBP="0.75")
    event = record_action(tracker, partner, CurrencyCode="EUR", Amount="100")
    values = [event.parameters[name] for name in ("Amount", "Payout")]
    assert values == ["125.00", "37.50"]
    assert Action.objects.get(pk=event.action_id).rates == {"EUR USD": "5/4", "USD GBP": "3/5"}
    published(DAY, USD="1.5", GBP="0.9")
    make_rate("EUR", "USD", "9", DAY)
    changed = record_change(event, "modified", Amount="200")
    assert [changed.parameters[name] for name in ("Amount", "Payout")] == ["250.00", "75.00"]
    assert record_action(tracker, partner, CurrencyCode="EUR", Amount="100").parameters["Amount"] == "900.00"


@pytest.mark.django_db
def test_an_action_of_an_earlier_release_keeps_rates_from_its_next_change_on(tracker: ActionTracker) -> None:
    make_rate("EUR", "USD", "1.25")
    event = record_action(tracker, CurrencyCode="EUR", Amount="100")
    Action.objects.update(rates=None)
    make_rate("EUR", "USD", "2", DAY)
    assert record_change(event, "modified", Amount="10").parameters["Amount"] == "20.00"
    ExchangeRate.objects.update(rate=7)
    assert record_change(event, "modified", Amount="20").parameters["Amount"] == "40.00"
