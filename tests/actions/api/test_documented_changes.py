"""Changes over HTTP and in files, as callers of the documented API send them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from actions.models import Action, ActionEvent, Item
from partners.models import ActionTracker
from tests.support.api import Caller, lines, results
from tests.support.factories import make_partner, make_rate, make_term, make_tracker, report_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Caller:
    return Caller()


class Order:
    """An order that was reported, and is changed over HTTP."""

    def __init__(self, call: Caller, tracker: ActionTracker, **fields: Any) -> None:
        partner = make_partner()
        make_term(tracker, partner)
        self.call = call
        told = call.submission(call.json("POST", "Conversions", **report_fields(tracker, partner, **fields)))
        assert told["Result"] == "recorded", told
        self.action = Action.objects.get(pk=told["ActionId"].rpartition(".")[2])
        self.named = {"ActionTrackerId": tracker.pk, "OrderId": self.action.order_id}

    def put(self, **fields: Any) -> dict[str, Any]:
        """Change it; the values of the event."""
        before = self.events()
        told = self.call.submission(self.call.form("PUT", "Actions", **self.named, **fields))
        assert told["Result"] == "recorded", told
        assert self.events() == before + 1
        return self.values(by_lines="Amount" not in fields)

    def events(self) -> int:
        return ActionEvent.objects.filter(action=self.action).count()

    def values(self, *, by_lines: bool = True) -> dict[str, Any]:
        event = ActionEvent.objects.filter(action=self.action).latest("number")
        values: dict[str, Any] = event.parameters
        items = values["items"]
        self.action.refresh_from_db()
        stored = Item.objects.filter(action=self.action)
        if by_lines and any(Decimal(each["cartamt"]) for each in items):
            assert sum((each.sub_total for each in stored), Decimal(0)) == self.action.original_amount
            assert sum(Decimal(each["cartamt"]) for each in items) == Decimal(values["OriginalAmount"])
        assert stored.count() == len(items)
        return values

    def refused(self, **fields: Any) -> tuple[str, str]:
        before = self.events()
        response = self.call.form("PUT", "Actions", **self.named, **fields)
        assert response.status_code == 400, response.content
        assert self.events() == before
        return response.json()["errors"][0]["code"], response.json()["Message"]


TWO_LINES = {
    "Items": [
        {"Sku": "A", "Quantity": 2, "SubTotal": "100.00", "Name": "Tent", "Category": "Camp", "DiscountRate": 10},
        {"Sku": "B", "Quantity": 1, "Price": "50", "TotalDiscount": "5"},
    ],
    "OrderDiscount": "13.50",
}


def test_reset_brings_back_the_created_amounts_and_items_in_one_event(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, **TWO_LINES)
    first, rows = order.values(), list(Item.objects.order_by("position").values())
    order.put(Sku="A", Quantity="1", Name="Smaller tent", ItemBrand="Fern")
    order.put(Sku="C", SubTotal="30", OrderDiscount="2")
    order.put(Amount="7")
    back = order.put(Reason="RESET")
    for name in ("Amount", "Payout", "OriginalAmount", "IntendedAmount", "items"):
        assert back[name] == first[name], name
    assert (back["Status"], back["StatusDetail"]) == ("PENDING", "RESET")
    assert list(Item.objects.order_by("position").values()) == rows
    assert order.action.order_discount == Decimal("13.50")
    assert ActionEvent.objects.latest("id").kind == "modified"
    # What comes later is counted as if nothing had been between.
    assert order.put(Sku="A", SubTotal="50")["Amount"] == "76.50"


def test_reset_brings_back_a_reversed_action_too(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, **TWO_LINES)
    first = order.values()
    order.put(Sku="A", Quantity="1")
    call.submission(call.form("DELETE", "Actions", **order.named, DispositionCode="CONS_FRAUD"))
    back = order.put(DispositionCode="reset")
    assert (back["Amount"], back["Payout"], back["items"]) == (first["Amount"], first["Payout"], first["items"])
    assert (back["Status"], back["DeltaAmount"]) == ("PENDING", first["Amount"])
    assert ActionEvent.objects.latest("id").kind == "restored"


def test_reset_of_a_total(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Amount="80", OrderDiscount="5")
    order.put(Amount="0")
    assert order.put(Reason="RESET")["Amount"] == "75.00"
    assert order.put(OrderDiscount="10")["Amount"] == "70.00"


def test_reset_takes_no_amounts_beside_it(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Amount="80")
    code, message = order.refused(Reason="RESET", Amount="5")
    assert code == "MALFORMED"
    assert message.startswith("Reason: RESET brings back")
    order.refused(Reason="ORDER_UPDATE", DispositionCode="RESET", Sku="A", Quantity="1")


def test_reset_of_an_action_that_an_earlier_release_has_changed(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, **TWO_LINES)
    first = order.values()
    order.put(Sku="C", SubTotal="30")
    Action.objects.update(created_worth=None)
    back = order.put(Reason="RESET")
    assert (back["Amount"], back["Payout"], back["items"]) == (first["Amount"], first["Payout"], first["items"])


def test_reset_in_a_batch_that_creates_and_changes_the_order(call: Caller, tracker: ActionTracker) -> None:
    named = {"ActionTrackerId": tracker.pk, "OrderId": "o", "Event": "modified"}
    sent = lines(
        report_fields(tracker, OrderId="o", Items=[{"Sku": "A", "SubTotal": "10"}]),
        {**named, "Items": [{"Sku": "B", "SubTotal": "5"}]},
        {**named, "Reason": "RESET"},
        {**named, "Items": [{"Sku": "C", "SubTotal": "7"}]},
    )
    told = results(call("POST", "Conversions/Batch", sent, form="application/x-ndjson"))
    assert {each["Result"] for each in told} == {"recorded"}
    again = results(call("POST", "Conversions/Batch", lines({**named, "Reason": "RESET"}), form="application/x-ndjson"))
    assert again[0]["Result"] == "recorded"
    assert list(Item.objects.values_list("position", "sku", "sub_total")) == [(1, "A", Decimal(10))]
    more = lines({**named, "Reason": "RESET"}, {**named, "Items": [{"Sku": "D", "SubTotal": "7"}]})
    results(call("POST", "Conversions/Batch", more, form="application/x-ndjson"))
    assert list(Item.objects.values_list("position", "sku")) == [(1, "A"), (2, "D")]


def test_a_line_that_a_reset_replaces_in_one_batch_has_its_own_sku(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Items=[{"Sku": "A", "SubTotal": "10"}])
    order.put(Sku="B", SubTotal="5")
    named = {**order.named, "Event": "modified"}
    both = lines({**named, "Reason": "RESET"}, {**named, "Items": [{"Sku": "D", "SubTotal": "7"}]})
    results(call("POST", "Conversions/Batch", both, form="application/x-ndjson"))
    assert list(Item.objects.values_list("position", "sku")) == [(1, "A"), (2, "D")]


def test_a_disposition_code_alone_is_a_change(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Amount="80")
    values = order.put(DispositionCode="CONS_ERROR")
    assert (values["StatusDetail"], values["Amount"], values["DeltaAmount"]) == ("CONS_ERROR", "80.00", "0.00")
    values = order.put(Reason="Wrong colour", DispositionCode="ITEM_RETURNED")
    assert values["StatusDetail"] == "Wrong colour"
    assert Action.objects.get().reported["DispositionCode"] == "ITEM_RETURNED"
    assert order.refused()[0] == "NO_ITEM"


def test_a_file_of_reasons_alone_is_taken(call: Caller, tracker: ActionTracker, tmp_path: Path) -> None:
    order = Order(call, tracker, OrderId="o", Amount="80")
    path = tmp_path / "changes.csv"
    path.write_text(f"Oid,ActionTrackerId,DispositionCode\no,{tracker.pk},ORDER_UPDATE\n")
    call_command("import_actions", str(path), event="modified", jobs=1)
    path.write_text(f"Oid,ActionTrackerId,Sku,Quantity,Reason\no,{tracker.pk},,,RESET\n")
    call_command("import_actions", str(path), event="modified", jobs=1)
    assert order.values()["StatusDetail"] == "RESET"


@pytest.mark.parametrize(
    ("line", "change", "left"),
    [
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "1"}, "50.00"),
        ({"Price": "33.333", "Quantity": 3}, {"Quantity": "2"}, "66.67"),
        ({"SubTotal": "10.00", "Quantity": 3}, {"Quantity": "1"}, "3.33"),
        ({"SubTotal": "0.01", "Quantity": 2}, {"Quantity": "1"}, "0.00"),  # Half a cent goes to the even one.
        ({"SubTotal": "0.03", "Quantity": 2}, {"Quantity": "1"}, "0.02"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "4"}, "200.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "2"}, "100.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"QuantityDelta": "-1"}, "50.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "0"}, "0.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "1", "SubTotal": "70"}, "70.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "1", "Price": "60"}, "60.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "1", "ItemAmount1": "44"}, "44.00"),
        ({"SubTotal": "100.00", "Quantity": 2, "TotalDiscount": "15"}, {"Quantity": "1"}, "42.50"),
        ({"SubTotal": "100.00", "Quantity": 2, "Discount": "5"}, {"Quantity": "1"}, "45.00"),
        ({"SubTotal": "100.00", "Quantity": 2, "DiscountRate": "10"}, {"Quantity": "1"}, "45.00"),
        ({"SubTotal": "100.00", "Quantity": 2}, {"Quantity": "1", "ItemTotalDiscount1": "5"}, "45.00"),
    ],
)
def test_a_quantity_takes_its_part_of_what_the_line_costs(
    call: Caller, tracker: ActionTracker, line: dict[str, Any], change: dict[str, str], left: str
) -> None:
    order = Order(call, tracker, Items=[{"Sku": "A", **line}, {"Sku": "B", "SubTotal": "11"}])
    if change.get("Quantity") == str(line["Quantity"]):
        assert call.submission(call.form("PUT", "Actions", **order.named, Sku="A", **change))["Result"] == "repeated"
        return
    values = order.put(Sku="A", **change)
    assert values["items"][0]["cartamt"] == left
    assert Decimal(values["OriginalAmount"]) == Decimal(left) + 11
    assert Decimal(values["Payout"]) == round(Decimal(values["Amount"]) * 8 / 100, 2)


def test_the_orders_discount_is_shared_out_anew(call: Caller, tracker: ActionTracker) -> None:
    items = [{"Sku": "A", "Quantity": 2, "SubTotal": "60"}, {"Sku": "B", "SubTotal": "40"}]
    order = Order(call, tracker, Items=items, OrderDiscount="10")
    values = order.put(Sku="A", Quantity="1")
    assert (values["Amount"], [each["cartamt"] for each in values["items"]]) == ("60.00", ["25.71", "34.29"])
    shares = [each.order_share for each in Item.objects.all()]
    assert sum(share for share in shares if share) == order.action.order_discount == 10


def test_a_quantity_in_another_currency_and_with_net_lines(call: Caller) -> None:
    make_rate("EUR", "USD", "1.10")
    order = Order(
        call,
        make_tracker(net_lines=True),
        CurrencyCode="EUR",
        Items=[{"Sku": "A", "Quantity": 3, "SubTotal": "90", "TotalDiscount": "9"}],
    )
    values = order.put(Sku="A", Quantity="2")
    assert (values["OriginalAmount"], values["Amount"], values["items"][0]["rbt"]) == ("60.00", "66.00", "6.00")


def test_pieces_of_which_nothing_tells_the_cost_are_refused(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Items=[{"Sku": "A", "Quantity": 2, "SubTotal": "60"}, {"Sku": "B", "SubTotal": "1"}])
    order.put(Sku="A", Quantity="0")
    for change in ({"Sku": "A", "Quantity": "1"}, {"Sku": "A", "QuantityDelta": "1"}, {"Sku": "NEW", "Quantity": "2"}):
        code, message = order.refused(**change)
        assert code == "MALFORMED"
        assert "report its SubTotal or Price too" in message
    assert order.put(Sku="A", Quantity="1", Price="30")["OriginalAmount"] == "31.00"
    order.put(Sku="A", Quantity="0")
    order.put(Sku="B", Quantity="0")
    assert "report its SubTotal" in order.refused(Sku="B", Quantity="1")[1]  # Also once nothing is left of the order.


def test_of_a_total_alone_quantities_say_nothing_of_money(call: Caller, tracker: ActionTracker) -> None:
    order = Order(call, tracker, Amount="80", Items=[{"Sku": "A", "Quantity": 2}, {"Sku": "B"}])
    assert order.put(Sku="A", Quantity="0")["Amount"] == "80.00"
    assert order.put(Sku="A", Quantity="3")["Amount"] == "80.00"
    values = order.put(ItemSku1="A", ItemQuantity1="0", ItemSku2="B", ItemQuantity2="1", Amount="60")
    assert values["Amount"] == "60.00"
