"""Discounts come off what is reported, once each, and partners are paid of what is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from actions.models import Action
from actions.recording.discounts import share_out
from actions.recording.lines import Line
from actions.recording.record import record
from actions.recording.results import RejectedResult, Repeated, refused
from actions.reports.rejected import Rejected
from actions.reports.report import parse_report
from partners.models import CategoryPayout
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
    report_fields,
)

pytestmark = pytest.mark.django_db

SHARED = {"ItemSubTotal1": "60", "ItemSubTotal2": "40", "OrderDiscount": "10"}


def skus(**fields: Any) -> dict[str, Any]:
    """The fields with a Sku for each line that they number."""
    return {f"ItemSku{name[-1]}": name[-1] for name in fields if name[-1].isdigit()} | fields


def lines(event: Any, name: str = "cartamt") -> list[str]:
    return [item.get(name, "") for item in event.parameters["items"]]


def refusal(**fields: Any) -> RejectedResult:
    """Why the report of a new action is refused, by its reading or by its recording."""
    try:
        report = parse_report(report_fields(make_tracker(), **fields))
    except Rejected as error:
        return refused(error)
    (result,) = record([report])
    assert isinstance(result, RejectedResult), result
    assert not Action.objects.exists()
    return result


@pytest.mark.parametrize(
    ("fields", "amount", "cartamt", "rbt"),
    [
        (SHARED, "90.00", ["54.00", "36.00"], ["", ""]),
        ({"ItemPrice1": "50", "ItemQuantity1": "2", "ItemDiscount1": "5"}, "90.00", ["90.00"], ["10.00"]),
        ({"ItemSubTotal1": "50", "ItemQuantity1": "2", "ItemDiscount1": "5"}, "40.00", ["40.00"], ["10.00"]),
        ({"ItemSubTotal1": "100", "ItemTotalDiscount1": "15"}, "85.00", ["85.00"], ["15.00"]),
        ({"ItemPrice1": "50", "ItemQuantity1": "2", "ItemTotalDiscount1": "15"}, "85.00", ["85.00"], ["15.00"]),
        ({"ItemSubTotal1": "80", "ItemDiscountRate1": "12.5"}, "70.00", ["70.00"], ["10.00"]),
        ({"ItemPrice1": "40", "ItemQuantity1": "2", "ItemDiscountRate1": "12.5%"}, "70.00", ["70.00"], ["10.00"]),
        ({"ItemSubTotal1": "0.15", "ItemDiscountRate1": "10"}, "0.13", ["0.13"], ["0.02"]),
        ({"ItemSubTotal1": "80", "ItemDiscountRate1": "100"}, "0.00", ["0.00"], ["80.00"]),
        # The line's own first, then its share of the order's.
        (
            {"ItemSubTotal1": "80", "ItemTotalDiscount1": "20", "ItemSubTotal2": "40", "OrderDiscount": "10"},
            "90.00",
            ["54.00", "36.00"],
            ["20.00", ""],
        ),
        # After the line's own discount: only the order's comes off.
        ({"Amount1": "85", "Discount1": "15"}, "85.00", ["85.00"], ["15.00"]),
        (
            {"ItemAmount1": "60", "ItemAmount2": "40", "ItemTotalDiscount1": "7", "OrderDiscount": "10"},
            "90.00",
            ["54.00", "36.00"],
            ["7.00", ""],
        ),
        ({"ItemAmount1": "45", "ItemDiscountRate1": "10"}, "45.00", ["45.00"], ["5.00"]),
        ({"ItemSubTotal1": "100", "ItemAmount1": "85"}, "85.00", ["85.00"], ["15.00"]),
        ({"ItemSubTotal1": "100", "ItemAmount1": "85", "ItemTotalDiscount1": "15"}, "85.00", ["85.00"], ["15.00"]),
        # A sender that fills every field says nothing by a zero.
        ({"ItemSubTotal1": "100", "ItemDiscount1": "0", "ItemTotalDiscount1": "15"}, "85.00", ["85.00"], ["15.00"]),
        ({**SHARED, "OrderDiscount": "0"}, "100.00", ["60.00", "40.00"], ["", ""]),
        ({**SHARED, "OrderDiscount": "100"}, "0.00", ["0.00", "0.00"], ["", ""]),
        # The total after discounts agrees with what the items come to, or has had the discount taken off already.
        ({**SHARED, "OrderSubTotalPostDiscount": "90"}, "90.00", ["54.00", "36.00"], ["", ""]),
        (
            {"ItemSubTotal1": "54", "ItemSubTotal2": "36", "OrderDiscount": "10", "OrderSubTotalPostDiscount": "90"},
            "90.00",
            ["54.00", "36.00"],
            ["", ""],
        ),
        # Quantities and names alone leave a reported total as it is; that of a lone line is the line's.
        ({"Amount": "100", "ItemQuantity1": "2", "OrderDiscount": "10"}, "90.00", ["90.00"], [""]),
        ({"OrderSubTotalPostDiscount": "90", "ItemQuantity1": "2", "OrderDiscount": "10"}, "90.00", ["90.00"], [""]),
        (
            {"Amount": "100", "ItemQuantity1": "2", "ItemQuantity2": "1", "OrderDiscount": "10"},
            "90.00",
            ["0.00", "0.00"],
            ["", ""],
        ),
    ],
)
def test_a_line_costs_what_its_discounts_leave(
    fields: dict[str, str], amount: str, cartamt: list[str], rbt: list[str]
) -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "10%")
    event = record_action(tracker, partner, **skus(**fields))
    assert event.parameters["Amount"] == event.parameters["OriginalAmount"] == amount
    assert (lines(event), lines(event, "amt"), lines(event, "rbt")) == (cartamt, cartamt, rbt)
    assert Decimal(event.parameters["Payout"]) == round(Decimal(amount) / 10, 2)


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"Amount": "100", "OrderDiscount": "10"}, "90.00"),
        ({"OriginalAmount": "100", "OrderDiscount": "10"}, "90.00"),
        ({"OrderSubTotalPreDiscount": "100", "OrderDiscount": "10"}, "90.00"),
        ({"OrderSubtotal": "100", "OrderDiscount": "10"}, "90.00"),
        ({"OrderSubTotalPreDiscount": "100"}, "100.00"),
        ({"OrderSubTotalPostDiscount": "90", "OrderDiscount": "10"}, "90.00"),
        ({"OrderSubTotalPostDiscount": "90"}, "90.00"),
        ({"OrderSubTotalPreDiscount": "100", "OrderSubTotalPostDiscount": "90"}, "90.00"),
        (
            {"OrderSubTotalPreDiscount": "100", "OrderSubTotalPostDiscount": "90", "OrderDiscount": "10"},
            "90.00",
        ),
        ({"Amount": "90", "OrderSubTotalPostDiscount": "90", "OrderDiscount": "10"}, "90.00"),
        ({"Amount": "100", "OrderDiscount": "100"}, "0.00"),
        ({"Sku": "A", "Amount": "100", "OrderDiscount": "10"}, "90.00"),
    ],
)
def test_a_total_is_what_the_orders_discount_leaves(fields: dict[str, str], amount: str) -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "10%")
    event = record_action(tracker, partner, **fields)
    assert (event.parameters["Amount"], event.parameters["Payout"]) == (amount, f"{Decimal(amount) / 10:.2f}")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ItemSubTotal1": "100", "ItemDiscount1": "5", "ItemTotalDiscount1": "5"}, "more than one of Discount"),
        ({"ItemSubTotal1": "100", "ItemDiscount1": "5", "ItemDiscountRate1": "5"}, "more than one of Discount"),
        ({"ItemSubTotal1": "100", "ItemTotalDiscount1": "5", "ItemDiscountRate1": "5"}, "more than one of Discount"),
        ({"ItemSubTotal1": "100", "ItemTotalDiscount1": "100.01"}, "100.01, more than the 100.00"),
        ({"ItemPrice1": "5", "ItemQuantity1": "3", "ItemDiscount1": "5.01"}, "15.03, more than the 15.00"),
        ({"ItemSubTotal1": "100", "ItemDiscountRate1": "101"}, "not a percentage from 0 to 100"),
        ({"ItemSubTotal1": "100", "ItemDiscountRate1": "-1"}, "not a percentage from 0 to 100"),
        ({"ItemSubTotal1": "100", "ItemTotalDiscount1": "-5"}, "negative"),
        ({**SHARED, "OrderDiscount": "100.01"}, "OrderDiscount: 100.01 is more than the 100.00"),
        ({"Amount": "100", "OrderDiscount": "100.01"}, "OrderDiscount: 100.01 is more than the 100.00"),
        ({"Amount": "100", "OrderDiscount": "-10"}, "OrderDiscount: '-10' is negative"),
        ({"OrderDiscount": "10"}, "more than the 0"),
        (
            {"ItemSubTotal1": "60", "ItemSubTotal2": "40", "OrderSubTotalPostDiscount": "90"},
            "OrderSubTotalPostDiscount: 90.00, but the items come to 100.00",
        ),
        ({**SHARED, "OrderSubTotalPostDiscount": "80"}, "80.00, but the items come to 90.00"),
        (
            {"Amount": "100", "OrderDiscount": "10", "OrderSubTotalPostDiscount": "80"},
            "80.00, but the total before discounts is 100.00 and OrderDiscount 10.00",
        ),
        ({"Amount": "90", "OrderSubTotalPostDiscount": "100"}, "100.00, but the total before discounts is 90.00"),
        ({"ItemSubTotal1": "80", "ItemAmount1": "85"}, "80.00 before discounts and 85.00 after"),
        (
            {"ItemSubTotal1": "100", "ItemAmount1": "85", "ItemTotalDiscount1": "10"},
            "100.00 before discounts and 85.00 after them with a discount of 10.00",
        ),
        ({"Amount": "100", "ItemQuantity1": "2", "ItemDiscount1": "5"}, "10.00, more than the 0.00"),
    ],
)
def test_what_does_not_add_up_is_refused(fields: dict[str, str], message: str) -> None:
    found = refusal(**skus(**fields))
    assert found.reason_code == "MALFORMED"
    assert message in found.message


@pytest.mark.parametrize(
    ("costs", "discount", "left"),
    [
        (["33.33", "33.33", "33.34"], "10.00", ["30.00", "30.00", "30.00"]),
        (["10.00", "10.00", "10.00"], "0.01", ["9.99", "10.00", "10.00"]),
        (["10.00", "10.00", "10.00"], "0.02", ["9.99", "9.99", "10.00"]),
        (["0.01", "0.01", "99.98"], "50.00", ["0.00", "0.01", "49.99"]),
        (["0.00", "5.00"], "5.00", ["0.00", "0.00"]),
        (["1.00", "2.00"], "9.00", ["0.00", "0.00"]),
        (["0.00", "0.00"], "1.00", ["0.00", "0.00"]),
        ([], "1.00", []),
    ],
)
def test_the_cents_of_a_split_add_up(costs: list[str], discount: str, left: list[str]) -> None:
    shared = share_out([Line(sub_total=Decimal(each)) for each in costs], Decimal(discount), Decimal("0.01"))
    assert [f"{line.sub_total:.2f}" for line in shared] == left


def test_what_is_rendered_may_be_posted_back() -> None:
    tracker = make_tracker()
    event = record_action(tracker, **skus(**SHARED, ItemTotalDiscount1="10", ItemQuantity1="2"))
    assert (lines(event), lines(event, "rbt")) == (["44.44", "35.56"], ["10.00", ""])
    whole = [{name: text for name, text in item.items() if name != "amt"} for item in event.parameters["items"]]
    bare = [{name: item[name] for name in ("sku", "cartamt")} for item in whole]
    for items in (whole, bare):
        report = parse_report({"Event": "modified", "ActionId": event.action.action_id, "Items": items})
        assert record([report]) == [Repeated(event.action)]
    again = record_action(tracker, Items=whole)
    assert again.parameters["items"] == event.parameters["items"]
    assert again.parameters["Amount"] == event.parameters["Amount"]


def test_an_orders_discount_does_not_come_off_what_is_given_after_it() -> None:
    items = [{"sku": "A", "cartamt": "54"}, {"sku": "B", "cartamt": "36"}]
    report = parse_report(report_fields(make_tracker(), Items=items, OrderDiscount="10"))
    assert "OrderDiscount is not taken off: what the items cost is given after it." in report.warnings
    record([report])
    assert Action.objects.get().amount == 90
    with pytest.raises(Rejected, match="some items are given after it and others before it"):
        parse_report(report_fields(make_tracker(), Items=[*items, {"sku": "C", "SubTotal": "1"}], OrderDiscount="10"))


def test_a_change_counts_from_what_the_order_cost_before_discounts() -> None:
    event = record_action(make_tracker(), **skus(**SHARED))
    less = record_change(event, "modified", ItemSku1="1", ItemSubTotalDelta1="-20")
    assert (less.parameters["Amount"], lines(less)) == ("70.00", ["35.00", "35.00"]), "10 off 40 and 40"
    off = record_change(event, "modified", ItemSku2="2", ItemTotalDiscount2="20")
    assert (off.parameters["Amount"], lines(off, "rbt")) == ("50.00", ["", "20.00"])
    assert sum(map(Decimal, lines(off))) == 50
    more = record_change(event, "modified", OrderDiscount="30")
    assert (more.parameters["Amount"], lines(more)) == ("30.00", ["20.00", "10.00"])
    none = record_change(event, "modified", OrderDiscount="0", ItemSku2="2", ItemTotalDiscount2="0")
    assert (none.parameters["Amount"], lines(none)) == ("80.00", ["40.00", "40.00"])
    assert sum(Decimal(each.parameters["DeltaAmount"]) for each in event.action.events.all()) == 80


def test_a_discount_of_each_piece_or_in_percent_follows_what_the_line_costs() -> None:
    event = record_action(
        make_tracker(),
        **skus(ItemPrice1="50", ItemQuantity1="2", ItemDiscount1="5", ItemSubTotal2="100", ItemDiscountRate2="10"),
    )
    assert lines(event) == ["90.00", "90.00"]
    same = [{"Sku": "1", "QuantityDelta": -1, "SubTotalDelta": "-50"}, {"Sku": "2", "SubTotal": "50"}]
    less = record_change(event, "modified", Items=same)
    assert (lines(less), lines(less, "rbt")) == (["45.00", "45.00"], ["5.00", "5.00"])


def test_what_is_returned_takes_its_discount_with_it() -> None:
    event = record_action(make_tracker(), **skus(ItemSubTotal1="60", ItemTotalDiscount1="20", ItemSubTotal2="40"))
    back = record_change(event, "modified", ItemSku1="1", ItemQuantity1="0")
    assert (back.parameters["Amount"], lines(back)) == ("40.00", ["0.00", "40.00"])
    order = record_action(make_tracker(), **skus(**{**SHARED, "OrderDiscount": "50"}))
    back = record_change(order, "modified", ItemSku1="1", ItemQuantity1="0")
    assert back.parameters["Amount"] == "0.00", "the order's discount takes what is left, and refuses no return"


def test_of_an_amount_in_a_change_only_a_discount_in_that_report_comes_off() -> None:
    event = record_action(make_tracker(), Amount="100", OrderDiscount="10")
    assert record_change(event, "modified", Amount="80").parameters["Amount"] == "80.00"
    assert record_change(event, "modified", Amount="80", OrderDiscount="5").parameters["Amount"] == "75.00"
    assert record_change(event, "modified", OrderDiscount="20").parameters["Amount"] == "60.00"
    assert record_change(event, "modified", Amount="70", OrderDiscount="70").kind == "reversed"
    order = record_action(make_tracker(), **skus(**SHARED))
    assert record_change(order, "modified", Amount="80").parameters["Amount"] == "80.00"
    items = record_change(order, "modified", ItemSku1="1", ItemSubTotal1="50")
    assert items.parameters["Amount"] == "80.00", "50 and 40 less the 10 that the items had off"


def test_categories_are_paid_of_what_is_left_of_their_items() -> None:
    tracker, partner = make_tracker(), make_partner()
    term = make_term(tracker, partner, "10%")
    CategoryPayout.objects.create(contract_term=term, category="Hats", payout_type="percentage", payout=Decimal(50))
    event = record_action(tracker, partner, **skus(**SHARED), ItemCategory2="Hats")
    assert event.parameters["Payout"] == "23.40", "a tenth of 54, half of 36"


def test_the_amount_of_the_program_is_after_discounts_too() -> None:
    make_rate("EUR", "USD", "2")
    event = record_action(make_tracker(make_program(currency="USD")), CurrencyCode="EUR", **skus(**SHARED))
    assert (event.parameters["Amount"], lines(event, "amt")) == ("180.00", ["108.00", "72.00"])


def test_net_lines_stay_as_they_are_reported_for_as_long_as_the_event_type_says_so() -> None:
    tracker = make_tracker(net_lines=True)
    fields = skus(**SHARED, ItemTotalDiscount1="15")
    event = record_action(tracker, **fields)
    assert (event.parameters["Amount"], lines(event, "rbt")) == ("100.00", ["15.00", ""])
    assert record_action(tracker, Amount="100", OrderDiscount="10").parameters["Amount"] == "100.00"
    tracker.net_lines = False
    tracker.save()
    assert record_action(tracker, **fields).parameters["Amount"] == "75.00"
    later = record_change(event, "modified", ItemSku1="1", ItemSubTotal1="70", ItemTotalDiscount1="30")
    assert (later.parameters["Amount"], lines(later, "rbt")) == ("110.00", ["30.00", ""]), "as when it was recorded"


def test_actions_of_an_earlier_release_keep_their_counting() -> None:
    event = record_action(make_tracker(net_lines=True), **skus(ItemSubTotal1="100", ItemTotalDiscount1="15"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE actions_action SET net_lines = NULL")
    changed = record_change(event, "modified", ItemSku1="1", ItemSubTotalDelta1="-20")
    assert (changed.parameters["Amount"], lines(changed, "rbt")) == ("80.00", ["15.00"])
    assert record_change(event, "modified", Amount="50", OrderDiscount="5").parameters["Amount"] == "50.00"
