"""Amounts have the decimals of their currency, from the report through the database to the snapshot."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from actions.models import Action, ActionEvent
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
)
from value_types.currencies import MINOR_UNITS, minor_units

DECIMALS = {
    "USD": 2,
    "EUR": 2,
    "RSD": 2,
    "HUF": 2,
    "JPY": 0,
    "KRW": 0,
    "ISK": 0,
    "CLP": 0,
    "UYI": 0,
    "IQD": 3,
    "KWD": 3,
    "BHD": 3,
    "TND": 3,
    "CLF": 4,
    "UYW": 4,
    "XAU": 2,
    "HRK": 2,
    "ITL": 0,
    "ZZZ": 2,
    "": 2,
}


@pytest.mark.parametrize(("currency", "decimals"), DECIMALS.items())
def test_a_currency_has_the_decimals_of_the_standard(currency: str, decimals: int) -> None:
    assert minor_units(currency) == decimals


def test_the_list_of_currencies_is_whole() -> None:
    assert len(MINOR_UNITS) > 160
    assert set(MINOR_UNITS.values()) == {0, 2, 3, 4}


def sale(program: str, partner: str, payout: str = "10%", **fields: Any) -> ActionEvent:
    tracker, credited = make_tracker(make_program(currency=program)), make_partner(currency=partner)
    make_term(tracker, credited, payout)
    return record_action(tracker, credited, **fields)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("currency", "reported", "amount", "payout"),
    [
        ("JPY", "1235", "1235", "124"),
        ("JPY", "1234.50", "1234", "123"),
        ("JPY", "1235.5", "1236", "124"),
        ("KWD", "1.2345", "1.234", "0.123"),
        ("KWD", "100", "100.000", "10.000"),
        ("CLF", "1.23455", "1.2346", "0.1235"),
        ("RSD", "1234.565", "1234.56", "123.46"),
        ("USD", "0.125", "0.12", "0.01"),
    ],
)
def test_a_total_is_rounded_and_written_by_its_currency(currency: str, reported: str, amount: str, payout: str) -> None:
    event = sale(currency, currency, Amount=reported)
    values = event.parameters
    assert [values[name] for name in ("Amount", "OriginalAmount", "DeltaAmount", "IntendedAmount")] == [amount] * 4
    assert [values[name] for name in ("Payout", "DeltaPayout", "IntendedPayout")] == [payout] * 3
    stored = Action.objects.get()
    assert [str(each) for each in (stored.amount, stored.original_amount, stored.payout)] == [amount, amount, payout]


@pytest.mark.django_db
def test_each_sum_has_the_decimals_of_its_own_currency() -> None:
    make_rate("KWD", "JPY", "500")
    make_rate("JPY", "USD", "0.007")
    items = [
        {"Sku": "A", "SubTotal": "1.2345", "TotalDiscount": "0.0005"},
        {"Sku": "B", "Price": "0.1111", "Quantity": 3, "DiscountRate": "10"},
    ]
    event = sale("JPY", "USD", CurrencyCode="KWD", Items=items, Money1="4.9051", Money2="7")
    values = event.parameters
    lines = [(item["cartamt"], item["amt"], item["rbt"]) for item in values["items"]]
    assert lines == [("1.234", "617", "0.000"), ("0.300", "150", "0.033")]
    assert (values["OriginalAmount"], values["Amount"], values["Payout"]) == ("1.534", "767", "0.54")
    assert (values["Money1"], values["Money2"]) == ("4.905", "7.000")
    back = record_change(event, "modified", Items=[{"Sku": "A", "SubTotalDelta": "-0.2345"}])
    assert (back.parameters["OriginalAmount"], back.parameters["DeltaAmount"]) == ("1.300", "-117")
    gone = record_change(event, "reversed").parameters
    assert (gone["Amount"], gone["Payout"], gone["DeltaPayout"]) == ("0", "0.00", "-0.46")
    again = record_change(event, "restored").parameters
    assert (again["Amount"], again["DeltaAmount"]) == ("650", "650")


@pytest.mark.django_db
def test_an_orders_discount_is_split_into_whole_units() -> None:
    items = [{"Sku": each, "SubTotal": "100"} for each in "ABC"]
    yen = sale("JPY", "JPY", Items=items, OrderDiscount="100").parameters
    assert [item["cartamt"] for item in yen["items"]] == ["66", "67", "67"]
    dinars = sale("KWD", "KWD", Items=items, OrderDiscount="100").parameters
    assert [item["cartamt"] for item in dinars["items"]] == ["66.666", "66.667", "66.667"]


@pytest.mark.django_db
def test_a_flat_payout_is_rounded_by_the_partners_currency() -> None:
    assert sale("JPY", "KWD", "0.1255", Amount="0").parameters["Payout"] == "0.126"
    assert sale("USD", "JPY", "100.5", Amount="0").parameters["Payout"] == "100"


@pytest.mark.django_db
def test_what_was_recorded_with_other_decimals_keeps_them_until_it_changes() -> None:
    event = sale("JPY", "JPY", Amount="1000")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE actions_action SET amount = 1234.50, original_amount = 1234.50, payout = 123.45, net_lines = NULL"
        )
    noted = record_change(event, "modified", Note="x").parameters
    assert (noted["Amount"], noted["Payout"], noted["DeltaAmount"]) == ("1234.50", "123.45", "0")
    changed = record_change(event, "modified", Amount="1001").parameters
    assert (changed["Amount"], changed["DeltaAmount"]) == ("1001", "-233.50")
    assert ActionEvent.objects.get(pk=event.pk).parameters["Amount"] == "1000"


@pytest.mark.django_db
def test_the_largest_amount_loses_no_digit() -> None:
    event = sale("CLF", "CLF", "99.9999%", Amount="9999999999.9999")
    assert event.parameters["Payout"] == "9999989999.9999"


@pytest.mark.django_db
def test_the_columns_for_money_were_widened_without_writing_their_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT data_type, numeric_scale FROM information_schema.columns "
            "WHERE table_name IN ('actions_action', 'actions_item') AND numeric_precision_radix = 10"
        )
        assert cursor.fetchall() == [("numeric", None)]
        cursor.execute("CREATE TEMPORARY TABLE widened (amount numeric(16, 2))")
        cursor.execute("SELECT pg_relation_filenode('widened')")
        before = cursor.fetchone()
        cursor.execute('ALTER TABLE widened ALTER COLUMN amount TYPE numeric USING "amount"::numeric')
        cursor.execute("SELECT pg_relation_filenode('widened')")
        assert cursor.fetchone() == before
