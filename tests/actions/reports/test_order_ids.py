"""Order ids: what a spreadsheet or a template left there is refused, its wrapping is taken off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.models import Action
from actions.reports import order_ids
from actions.reports.rejected import Rejected
from actions.reports.report import Report, parse_report
from tests.support.api import Caller
from tests.support.factories import make_tracker, report_fields

SALE = {"CampaignId": 1, "ActionTrackerId": 2, "EventDate": "2026-11-20"}


def sale(order_id: object) -> Report:
    return parse_report({**SALE, "OrderId": order_id})


@pytest.mark.parametrize(
    "written",
    [
        *[
            "NULL",
            "null",
            "None",
            "nil",
            "NaN",
            "undefined",
            "N/A",
            "n/a",
            "0",
            "00",
            "0.0",
            "-1",
            "-",
            "?",
            "(not set)",
            "[object Object]",
            "true",
            "#N/A",
            "#REF!",
            "#VALUE!",
            "#NAME?",
            "#DIV/0!",
            "#NV",
            "#BEZUG!",
            "########",
            "2.02207E+18",
            "2,02207E+18",
            "2E+18",
            "2.02207e18",
            "{{order_id}}",
            "{order_id}",
            "SS-{{ order.id }}",
            "${order_id}",
            "%7Border_id%7D",
            "%%ORDER_ID%%",
            "[order_id]",
            "<order_id>",
            "#ORDER_ID#",
            "__ORDER_ID__",
            "{% order %}",
            "<%= order.id %>",
            "ORDER_ID",
            "$orderId",
            '="NULL"',
            "'0",
            " {{oid}} ",
        ],
        0,
        True,
        Decimal("2.02207E+18"),
        2.02207e18,
        1.5,
        Decimal("12.0"),
    ],
)
def test_what_cannot_be_the_id_of_one_order_is_refused(written: object) -> None:
    with pytest.raises(Rejected, match="cannot be an order id") as caught:
        sale(written)
    assert (caught.value.reason_code, caught.value.field) == ("MALFORMED", "OrderId")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('="00123"', "00123"),
        ('=T("00123")', "00123"),
        ('="a""b"', 'a"b'),
        ("'00124", "00124"),
        ("'00124'", "00124"),
        ("\N{RIGHT SINGLE QUOTATION MARK}00124", "00124"),
        ('"00123"', "00123"),
        ("  A 1\t", "A 1"),
        ("\ufeffA\u00a0", "A"),
    ],
)
def test_what_a_spreadsheet_wraps_is_unwrapped_and_said(written: str, read: str) -> None:
    report = sale(written)
    assert report.order_id == read
    assert report.warnings == ("OrderId is read without the blanks and spreadsheet's marks around it.",)


@pytest.mark.parametrize(
    "order_id",
    [
        *[
            "#1001",
            "1E5",
            "5E12",
            "12-E5",
            "SS E+4",
            "null-1",
            "A{1}",
            "[SS-1]",
            "{6D92078A-8246-4BA4-AE5B-76104861E7DC}",
            "0001",
            "10",
            "-10",
            "N",
            "O'Neil",
            "100%",
            "a_b",
            "$5",
            "<1>",
            "2022071234567891",
        ],
    ],
)
def test_what_may_be_an_id_is_kept_as_it_is(order_id: str) -> None:
    report = sale(order_id)
    assert (report.order_id, report.warnings) == (order_id, ())


def test_digits_that_a_spreadsheet_may_have_lost_are_noted() -> None:
    assert "as if a spreadsheet had rounded it" in sale("202207123456789000").warnings[0]
    assert sale("202207123456789001").warnings == ()


@pytest.mark.parametrize("fields", [{"OrderId": '="000"'}, {"Oid": "{{oid}}"}, {"oid": "NULL"}])
def test_a_change_is_refused_too(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="cannot be an order id"):
        parse_report({"Event": "reversed", "ActionTrackerId": 2, **fields})


@pytest.mark.parametrize("written", ['="1000.2001.158133"', " 1000.2001.158133 ", "'1000.2001.158133"])
def test_an_action_id_is_unwrapped_as_well(written: str) -> None:
    assert parse_report({"Event": "reversed", "ActionId": written}).action_id == (1000, 2001, 158133)


def test_a_formula_around_any_other_field_is_taken_off() -> None:
    report = parse_report(
        {**SALE, "OrderId": "A", "Amount": '="5.00"', "ClickId": '="007"', "Items": [{"Sku": '="0042"'}]}
    )
    assert report.parameters == {"RefClickId": "007"}
    # The total of an order with a single line is the line's.
    assert (report.items[0].sku, report.items[0].amount) == ("0042", Decimal("5.00"))


@pytest.mark.django_db
def test_two_orders_stay_two_and_debris_is_told_at_once() -> None:
    tracker, call = make_tracker(), Caller()
    for order_id in ('="00123"', "'00124", "00125 "):
        submission = call.submission(
            call.form("POST", "Conversions", **report_fields(tracker, OrderId=order_id, Amount="5"))
        )
        assert submission["Notes"] == ["OrderId is read without the blanks and spreadsheet's marks around it."]
    again = call.submission(call.form("POST", "Conversions", **report_fields(tracker, OrderId="00123", Amount="5")))
    assert again["ErrorReason"] == "CONV_DUPLICATE"
    assert list(Action.objects.order_by("id").values_list("order_id", flat=True)) == ["00123", "00124", "00125"]
    for order_id in ("2.02207E+18", "{{order_id}}"):
        response = call.form("POST", "Conversions", **report_fields(tracker, OrderId=order_id, Amount="5"))
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "OrderId"
    assert Action.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["OrderId", "Oid"])
def test_the_macro_gives_each_report_an_id_of_its_own(name: str) -> None:
    tracker, call = make_tracker(), Caller()
    fields = report_fields(tracker, OrderId=None, Amount="5") | {name: "IR_AN_64_TS"}
    for _ in range(3):
        submission = call.submission(call.form("POST", "Conversions", **fields))
        assert submission["Notes"] == ["OrderId: an order id of its own is made up, as IR_AN_64_TS asks."]
    ids = set(Action.objects.values_list("order_id", flat=True))
    assert len(ids) == 3
    assert "IR_AN_64_TS" not in ids
    response = call.form("DELETE", "Actions", ActionTrackerId=tracker.pk, OrderId="IR_AN_64_TS")
    assert "asks for a new order id" in response.json()["Message"]


@given(st.from_regex(order_ids.ORDINARY, fullmatch=True))
def test_an_ordinary_order_id_is_read_as_any_other(order_id: str) -> None:
    # A blank behind it has it read with all care.
    assert sale(order_id).order_id == sale(f"{order_id} ").order_id == order_id
