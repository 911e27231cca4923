"""Money: exact until the end, rounded once; rates by day, direct before inverse."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.recording.currency import Rates, load_rates, rounded
from actions.recording.discounts import Counting
from actions.recording.items import merge
from actions.recording.lines import Line
from actions.recording.payout import payout_for
from actions.recording.record import record
from actions.recording.results import RejectedResult
from actions.reports.rejected import Rejected
from actions.reports.reported_items import ReportedItem
from partners.models import ExchangeRate, Figure, Figures
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_report,
    make_term,
    make_tracker,
    record_action,
)

DAY = date(2026, 11, 20)
CENTS = Counting(Decimal("0.01"), discounts=True)


def pays(payout: str, payout_type: str) -> Figures:
    return Figures(Figure(payout_type, Decimal(payout)))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.125", "0.12"), ("0.135", "0.14"), ("0.145", "0.14"), ("2.675", "2.68"), ("-0.125", "-0.12"), ("0", "0.00")],
)
def test_halves_of_a_cent_go_to_the_even_one(amount: str, expected: str) -> None:
    assert str(rounded(Fraction(amount), "USD")) == expected
    assert str(rounded(Decimal(amount), "USD")) == expected


def test_an_amount_that_no_column_can_hold_is_refused() -> None:
    assert rounded(Fraction("99999999999999.99"), "USD") == Decimal("99999999999999.99")
    with pytest.raises(Rejected, match=r"An amount of 1e\+14 is too large"):
        rounded(Fraction(10**14), "USD")


def test_a_percentage_is_of_the_amount_in_the_partners_currency() -> None:
    rates = Rates([("EUR", "USD", date(2026, 1, 1), Decimal("1.0850"))])
    pay = pays("8", "percentage")
    assert payout_for(pay, Fraction("460.93"), ("USD", "EUR"), rates, DAY) == Decimal("33.99")
    assert payout_for(pay, Fraction("262.29"), ("USD", "EUR"), rates, DAY) == Decimal("19.34")
    assert payout_for(pay, Fraction("460.93"), ("USD", "USD"), rates, DAY) == Decimal("36.87")


def test_a_flat_payout_is_in_the_partners_currency_and_needs_no_rate() -> None:
    assert payout_for(pays("2.5", "flat"), Fraction(100), ("USD", "EUR"), Rates([]), DAY) == Decimal("2.50")
    assert payout_for(pays("0.0150", "flat"), Fraction(100), ("USD", "EUR"), Rates([]), DAY) == Decimal("0.02")


def test_there_and_back_again_loses_nothing() -> None:
    rates = Rates([("EUR", "USD", DAY, Decimal("1.08503127"))])
    dollars = rates.convert(Fraction("0.125"), "EUR", "USD", DAY)
    assert rates.convert(dollars, "USD", "EUR", DAY) == Fraction("0.125")


def test_the_latest_rate_up_to_the_day_counts_and_the_direct_one_goes_before_the_inverse() -> None:
    rates = Rates(
        [
            ("EUR", "USD", date(2026, 1, 1), Decimal("1.10")),
            ("EUR", "USD", date(2026, 6, 1), Decimal("1.20")),
            ("EUR", "USD", date(2026, 12, 1), Decimal("1.30")),
            ("USD", "EUR", date(2026, 1, 1), Decimal("0.5")),
        ]
    )
    one = Fraction(1)
    assert rates.convert(one, "EUR", "USD", DAY) == Fraction("1.20")
    assert rates.convert(one, "EUR", "USD", date(2026, 6, 1)) == Fraction("1.20")
    assert rates.convert(one, "EUR", "USD", date(2026, 5, 31)) == Fraction("1.10")
    assert rates.convert(one, "USD", "EUR", DAY) == Fraction("0.5")
    with pytest.raises(Rejected, match="no exchange rate between EUR and USD for 2025-12-31 or earlier") as caught:
        rates.convert(one, "EUR", "USD", date(2025, 12, 31))
    assert caught.value.reason_code == "EXCHANGE_RATE_NOT_FOUND"
    assert rates.convert(Fraction(0), "EUR", "JPY", DAY) == 0


@pytest.mark.django_db
def test_only_the_rates_that_may_be_needed_are_read() -> None:
    for month in range(1, 13):
        make_rate("EUR", "USD", f"1.{month:02}", date(2026, month, 1))
    make_rate("GBP", "CHF", "1.1", date(2026, 1, 1))
    with CaptureQueriesContext(connection) as queries:
        rates = load_rates({"EUR", "USD"}, {date(2026, 3, 15), date(2026, 5, 1)})
        assert load_rates({"EUR"}, {DAY}).convert(Fraction(1), "EUR", "EUR", DAY) == 1
    assert len(queries) == 1
    days = (date(2026, 3, 15), date(2026, 4, 30), date(2026, 5, 1))
    assert [rates.convert(Fraction(1), "EUR", "USD", day) for day in days] == [
        Fraction("1.03"),
        Fraction("1.04"),
        Fraction("1.05"),
    ]
    with pytest.raises(Rejected):
        rates.convert(Fraction(1), "EUR", "USD", date(2026, 2, 1))


@pytest.mark.django_db
def test_an_order_is_converted_as_a_whole_and_rounded_once() -> None:
    tracker = make_tracker(make_program(currency="USD"))
    partner = make_partner(currency="EUR")
    make_term(tracker, partner, "50%")
    make_rate("EUR", "USD", "1.1")
    items = [{"Sku": each, "SubTotal": "0.05"} for each in "ABC"]
    event = record_action(tracker, partner, CurrencyCode="EUR", Items=items)
    # 0.15 EUR is 0.165 USD. Each line alone is 0.055 USD, which would round to 0.06. The payout is half of 0.15 EUR.
    assert event.parameters["OriginalAmount"] == "0.15"
    assert event.parameters["Amount"] == "0.16"
    assert [item["amt"] for item in event.parameters["items"]] == ["0.06"] * 3
    assert [item["cartamt"] for item in event.parameters["items"]] == ["0.05"] * 3
    assert event.parameters["Payout"] == "0.08"
    assert (event.parameters["Currency"], event.parameters["OriginalCurrency"]) == ("USD", "EUR")


@pytest.mark.django_db
def test_an_order_without_a_rate_is_refused_until_there_is_one() -> None:
    tracker = make_tracker(make_program(currency="USD"))
    report = make_report(tracker, CurrencyCode="GBP", Amount="10")
    (outcome,) = record([report])
    assert isinstance(outcome, RejectedResult)
    assert outcome.reason_code == "EXCHANGE_RATE_NOT_FOUND"
    assert "between GBP and USD for 2026-11-20 or earlier" in outcome.message
    ExchangeRate.objects.create(from_currency="USD", to_currency="GBP", rate=Decimal("0.8"), date=DAY)
    assert record_action(tracker, CurrencyCode="GBP", Amount="10").parameters["Amount"] == "12.50"


def test_reported_items_change_the_lines_of_their_sku() -> None:
    lines = merge((), [ReportedItem("A", quantity=4, sub_total=Decimal("8.00")), ReportedItem("B", name="Bee")], CENTS)
    assert lines == (Line("A", quantity=4, sub_total=Decimal("8.00")), Line("B", name="Bee"))
    changed = merge(
        lines,
        [
            ReportedItem("B", sub_total=Decimal("2.00")),
            ReportedItem("A", quantity_delta=-1, sub_total_delta=Decimal("-2.00")),
            ReportedItem("C", price=Decimal("0.333"), quantity=3),
        ],
        CENTS,
    )
    assert changed == (
        Line("A", quantity=3, sub_total=Decimal("6.00")),
        Line("B", name="Bee", sub_total=Decimal("2.00")),
        Line("C", quantity=3, sub_total=Decimal("1.00")),
    )


def test_lines_of_one_sku_stay_apart_and_change_in_their_order() -> None:
    lines = merge((), [ReportedItem("A", quantity=1), ReportedItem("A", quantity=2), ReportedItem(quantity=7)], CENTS)
    assert [line.quantity for line in lines] == [1, 2, 7]
    changed = merge(lines, [ReportedItem("A", quantity=5), ReportedItem("A", quantity=6)], CENTS)
    assert [line.quantity for line in changed] == [5, 6, 7]


def test_a_line_of_which_nothing_is_left_costs_nothing() -> None:
    lines = merge((), [ReportedItem("A", quantity=2, sub_total=Decimal("8.00"))], CENTS)
    assert merge(lines, [ReportedItem("A", quantity=0)], CENTS) == (Line("A", quantity=0),)
    assert merge(lines, [ReportedItem("A", quantity_delta=-2)], CENTS) == (Line("A", quantity=0),)
    with pytest.raises(Rejected, match="quantity -1"):
        merge(lines, [ReportedItem("A", quantity_delta=-3)], CENTS)
