"""Names of fields: other spellings are read, near misses of what decides are refused, all else is noted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from actions.models import Action
from actions.reports.rejected import Rejected
from actions.reports.report import NAMES, Report, parse_report
from partners.models import ActionTracker
from postbacks.request.building import RequestTemplate, compile_request
from tests.support.api import Caller
from tests.support.factories import make_partner, make_rate, make_term, make_tracker, record_change, report_fields

SALE = {"CampaignId": 1, "ActionTrackerId": 2, "OrderId": "A-1", "EventDate": "2026-11-20"}


def sale(fields: dict[str, Any]) -> Report:
    return parse_report({**SALE, **fields})


def refusal(fields: dict[str, Any]) -> str:
    with pytest.raises(Rejected) as caught:
        sale(fields)
    assert caught.value.reason_code == "MALFORMED"
    return str(caught.value)


@pytest.fixture
def tracker() -> ActionTracker:
    return make_tracker()


@pytest.mark.django_db
@pytest.mark.parametrize("currency", ["currencyCode", "currency_code", "CURRENCY-CODE", "Currency Code"])
@pytest.mark.parametrize("amount", ["amount", "AMOUNT", "original_amount", "ItemSubtotal1", "item_sub_total_1"])
def test_another_spelling_means_the_same_up_to_the_request(tracker: ActionTracker, currency: str, amount: str) -> None:
    partner = make_partner()
    make_term(tracker, partner, "10%")
    make_rate("EUR", "USD", "2")
    call = Caller()
    fields = report_fields(tracker) | {"mediaPartnerId": str(partner.pk), currency: "EUR", amount: "100"}
    assert call.submission(call.form("POST", "Conversions", **fields))["Notes"] == []
    (event,) = Action.objects.get().events.all()
    template = RequestTemplate(
        "GET", "https://r.example/?c={OriginalCurrency}&a={Amount}&p={Payout}&m={MediaPartnerId}"
    )
    request = compile_request(template).build(event.parameters)
    assert request.url == f"https://r.example/?c=EUR&a=200.00&p=20.00&m={partner.pk}"


@pytest.mark.django_db
def test_a_change_and_a_reversal_are_read_in_other_spellings(tracker: ActionTracker) -> None:
    call = Caller()
    order = {"ORDERID": "A", "action_tracker_id": str(tracker.pk)}
    new = {**report_fields(tracker, OrderId=None, ActionTrackerId=None), **order}
    call.submission(call.form("POST", "Conversions", **new, amount="5"))
    call.submission(call.form("PUT", "Actions", **order, sub_total="7", sku="S"))
    assert Action.objects.get().amount == Decimal("7.00")
    call.submission(call.form("DELETE", "Actions", **order, disposition_code="ITEM_RETURNED"))
    assert Action.objects.get().status == Action.Status.REVERSED
    call.submission(call.form("PUT", "Actions", **order, event="restored"))
    assert Action.objects.get().status == Action.Status.PENDING


@pytest.mark.django_db
def test_a_near_miss_is_answered_at_once_and_named(tracker: ActionTracker) -> None:
    call = Caller()
    response = call.form("POST", "Conversions", **report_fields(tracker), **{"Sale Amount": "10"})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["field"] == "Sale Amount"
    assert "Sale Amount: no field has this name, and it is near Amount" in error["message"]
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("Amountt", "5", "Amount"),
        ("Aomunt", "5", "Amount"),
        ("sale_amount", "5", "Amount"),
        ("OrderTotal", "5", "Amount"),
        ("Revenue", "5.00 EUR", "Amount"),
        ("TaxAmount", "5", "Amount"),
        ("Amount1_1", "5", "Amount"),
        ("Currncy", "EUR", "Currency"),
        ("OrderCurrency", "EUR", "CurrencyCode"),
        ("PartnerId", "3", "MediaPartnerId"),
        ("media_partner", "3", "MediaPartnerId"),
        ("irclickid", "x", "ClickId"),
        ("PromoCodes", "x", "PromoCode"),
        ("Evnt", "reversed", "Event"),
        ("EventType", "x", "EventTypeId"),
        ("OrderIdd", "x", "OrderId"),
        ("Items[0][Sku]", "x", "ItemSku"),
        ("ItemSku0", "x", "ItemSku"),
        ("ItemSku01", "x", "ItemSku"),
        ("ItemSku1_1", "x", "ItemSku"),
        ("ItemQty1", "1", "ItemQuantity"),
        ("unit_price_1", "5", "ItemPrice"),
        ("ItemCategry1", "x", "ItemCategory"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}mount", "5", "Amount"),
        ("Skuu1", "A", "ItemSku"),
        ("ItemSubTotl1", "5", "ItemSubTotal"),
        ("unit_price_2", "5", "ItemPrice"),
        ("items.0.qty", "5", "ItemQuantity"),
        ("ItemAmountNet1", "5", "ItemAmount"),
        ("order_discounts", "5", "OrderDiscount"),
        ("VoucherDiscount", "5", "OrderDiscount"),
        ("Discount", "5", "OrderDiscount"),
    ],
)
def test_an_unknown_name_near_a_deciding_one_is_refused_with_both(name: str, value: str, near: str) -> None:
    message = refusal({name: value})
    assert message.startswith(f"{name}: ")
    assert f" near {near}, " in message


@pytest.mark.parametrize(
    ("inside", "near"),
    [({"unitPrice": 5}, "Price"), ({"Skuu": "A"}, "Sku"), ({"total": "5"}, "SubTotal"), ({"Qtty": 1}, "Quantity")],
)
def test_so_is_one_inside_of_an_item(inside: dict[str, Any], near: str) -> None:
    assert f"is {near} meant?" in refusal({"Amount": 5, "Items": [{"Name": "x", **inside}]})


@pytest.mark.parametrize(
    "name",
    [
        *[
            "CustomerCtiy",
            "UserAgnt",
            "LoyaltyTier",
            "GiftWrap",
            "OrderNumber",
            "CustomerIp",
            "Notes",
            "storeId",
            "orderStatus",
            "ItemColor1",
            "DiscountCode",
            "Campaign",
            "utm_source",
            "CustomerCountryCode",
            "Text51",
        ],
    ],
)
def test_an_unknown_name_that_decides_nothing_is_a_note(name: str) -> None:
    report = sale({name: "5"})
    assert report.parameters == {name: "5"}
    (note,) = report.warnings
    assert note.startswith(f"{name} is no known field; it is kept")


@pytest.mark.parametrize("name", ["OrderTotal", "TaxAmount", "GrossRevenue", "Price", "OrderTax", "OrderShipping"])
def test_beside_the_amount_another_total_is_a_note(name: str) -> None:
    report = sale({"Amount": "100", name: "119"})
    assert (report.amount, report.parameters, len(report.warnings)) == (Decimal("100.00"), {name: "119"}, 1)


def test_beside_what_finds_the_partner_another_id_is_a_note() -> None:
    assert "MediaPartnerId" in refusal({"AffiliateId": "7"})
    assert sale({"AffiliateId": "7", "ClickId": "x"}).parameters == {"AffiliateId": "7", "RefClickId": "x"}


@pytest.mark.parametrize(
    "name",
    [
        *[
            "Text50",
            "Numeric10",
            "Date4",
            "OrderMargin",
            "EventTypeCode",
            "PhoneNumber",
            "TrackingConsent",
            "AppVer",
            "ItemText1_1",
            "itemtext1_2",
            "ItemMoney3_1",
            "ItemBrand1",
            "ItemSubCategory2",
            "ItemMpn1",
            "ItemDeliveryType1",
        ],
    ],
)
def test_a_documented_name_that_is_not_used_is_known(name: str) -> None:
    report = sale({"Amount": "5", name: "7"})
    assert report.warnings == (f"{name} is not used; it is kept with the action, and no postback can carry it.",)
    assert report.parameters == {name: "7"}
    assert report.items == ()


def test_a_separator_between_digits_counts() -> None:
    assert sale({"ItemSku11": "A", "ItemSubTotal11": "5"}).items[0].sku == "A"
    assert sale({"Amount": 5, "ItemText1_1": "A"}).items == ()
    assert "ItemSku1_1: " in refusal({"ItemSku1_1": "A", "ItemSubTotal1_1": "5"})


def test_two_spellings_may_not_contradict_each_other() -> None:
    assert sale({"amount": "5", "Amount": "5.00"}).amount == Decimal("5.00")
    assert refusal({"amount": "5", "Amount": "6"}) == "amount: it differs from Amount, which means the same."
    assert refusal({"customerid": "5", "CustomerId": "6"}).startswith("customerid: it differs from CustomerId")


def test_every_known_name_means_one_field_in_every_spelling() -> None:
    for name in NAMES.guesses:
        meaning = NAMES.meaning(name)
        assert NAMES.meaning(name.upper()) == meaning
        assert NAMES.meaning(name.lower()) == meaning
        assert NAMES.meaning(f" {name} ") == meaning


@pytest.mark.parametrize(
    "fields",
    [
        {"ItemSku1": "A", "ItemQuantity1": "2"},
        {"Items": [{"Sku": "A"}, {"Sku": "B", "Discount": "1"}]},
        {"Sku": "A", "Quantity": "2"},
        {"OrderTax": "3"},
        {"OrderShipping": "3", "Name": "John"},
        {"Price": "50"},
        {"Total": "50"},
    ],
)
def test_an_order_that_tells_of_an_amount_without_saying_it_is_refused(fields: dict[str, Any]) -> None:
    assert "Amount" in refusal(fields)


@pytest.mark.parametrize("fields", [{}, {"Name": "John"}, {"Quantity": "2"}, {"Amount": "0", "ItemSku1": "A"}])
def test_an_order_without_money_is_recorded_at_nothing(fields: dict[str, Any]) -> None:
    assert not sale(fields).amount


@pytest.mark.parametrize("name", ["Name", "Category", "Price", "Quantity", "name", "quantity"])
def test_a_common_word_is_of_an_item_only_beside_a_sku(name: str) -> None:
    alone = sale({"Amount": "100", name: "7"})
    assert (alone.amount, alone.items, alone.parameters) == (Decimal("100.00"), (), {name: "7"})
    (note,) = alone.warnings
    assert note.startswith(f"{name} is a field of an item only beside a Sku;")
    (item,) = sale({"Amount": "100", "Sku": "A", name: "7"}).items
    assert "7" in {str(item.name), str(item.category), str(item.price), str(item.quantity)}


@pytest.mark.django_db
def test_items_without_money_never_replace_the_amount(tracker: ActionTracker) -> None:
    call = Caller()
    fields = report_fields(tracker, Amount="100", ItemSku1="A", ItemQuantity1="2", ItemSku2="B")
    call.submission(call.form("POST", "Conversions", **fields))
    action = Action.objects.get()
    event = action.events.get()
    assert action.amount == Decimal("100.00")
    assert [item["sku"] + item["qty"] for item in event.parameters["items"]] == ["A2", "B1"]
    # Nor does a change of them.
    record_change(event, "modified", Items=[{"Sku": "A", "Quantity": 1}])
    assert Action.objects.get().amount == Decimal("100.00")
    record_change(event, "modified", Amount="60", Items=[{"Sku": "B", "Quantity": 0}])
    assert Action.objects.get().amount == Decimal("60.00")
    # Once they have their own, they are counted.
    record_change(event, "modified", Items=[{"Sku": "A", "SubTotal": "45"}])
    assert Action.objects.get().amount == Decimal("45.00")


@pytest.mark.django_db
def test_in_a_change_the_reported_amount_holds_beside_items_without_money(tracker: ActionTracker) -> None:
    call = Caller()
    fields = report_fields(tracker, OrderId="A", Items=[{"Sku": "A", "SubTotal": "80"}, {"Sku": "B", "SubTotal": "20"}])
    call.submission(call.json("POST", "Conversions", **fields))
    event = Action.objects.get().events.get()
    record_change(event, "modified", Amount="70", Items=[{"Sku": "A", "Quantity": 3}])
    assert Action.objects.get().amount == Decimal("70.00")


@pytest.mark.parametrize(
    ("fields", "noted"),
    [
        ({"Amount": "1.234"}, "Amount"),
        ({"ItemSubTotal1": "1.234"}, "ItemSubTotal1"),
        ({"Items": [{"Sku": "A", "SubTotal": "1.2345"}]}, "Items, item 1, SubTotal"),
    ],
)
def test_more_than_two_decimals_are_noted(fields: dict[str, Any], noted: str) -> None:
    assert sale(fields).warnings == (
        f"{noted} has more than 2 decimals and is rounded; a point is read as the decimal point.",
    )


@pytest.mark.parametrize("fields", [{"Amount": "1.230"}, {"Amount": 19.900000000000002}, {"ItemPrice1": "0.125"}])
def test_decimals_that_change_nothing_are_not(fields: dict[str, Any]) -> None:
    assert sale(fields).warnings == ()


def test_json_keeps_working_with_names_of_any_shape() -> None:
    odd = {"": "x", " ": "x", "é" * 50: "x", "-": "x"}
    assert len(sale(json.loads(json.dumps(odd))).warnings) == len(odd)


def test_a_quantity_is_meant_for_the_item_that_it_stands_beside() -> None:
    assert sale({"Amount": "5", "qty": "2"}).parameters == {"qty": "2"}
    assert "near ItemQuantity" in refusal({"Amount": "5", "Sku": "A", "qty": "2"})
