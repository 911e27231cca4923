"""Fields of the documented API as callers send them: recorded, and rendered for postbacks."""

from __future__ import annotations

from typing import Any

import pytest

from actions.models import Action
from partners.models import ActionTracker
from postbacks.request.template import Place, compile_template
from tests.support.api import Caller
from tests.support.factories import report_fields


def rendered(template: str) -> str:
    """A template, filled in for the latest event of the only action."""
    event = Action.objects.get().events.order_by("-number")[0]
    return compile_template(template, Place.TEXT).render(event.parameters)


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_names_of_fields_count_in_any_case(call: Caller, tracker: ActionTracker, suffix: str) -> None:
    fields = {
        "campaignId": tracker.program_id,
        "ACTIONTRACKERID": tracker.pk,
        "orderId": "o-1",
        "eventdate": "2026-11-20T10:42:38-07:00",
        "customerId": "C-7",
        "currency_code": tracker.program.currency,
        "itemSku1": "A",
        "ITEMSUBTOTAL1": "5",
    }
    assert call.submission(call.form("POST", f"Conversions{suffix}", **fields))["Notes"] == []
    assert Action.objects.get().reported == {"CustomerId": "C-7"}
    assert rendered("{Oid} {OriginalAmount}") == "o-1 5.00"


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ("2026-11-20T24:00:00+00:00", "2026-11-21T00:00:00+00:00"),
        ("20-Nov-2026 12:36:30 GMT", "2026-11-20T12:36:30+00:00"),
        ("2026-11-20T12:36:30 02:00", "2026-11-20T12:36:30+02:00"),
    ],
)
def test_event_dates_come_in_the_spellings_of_programs(
    call: Caller, tracker: ActionTracker, date: str, written: str
) -> None:
    call.submission(call.form("POST", "Conversions", **{**report_fields(tracker), "EventDate": date, "Date4": date}))
    assert rendered("{EventDate} {Date4}") == f"{written} {written}"


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"EventDate": "2026-11-20T12:00:00+15:00"}, "EventDate", "more than 14 hours"),
        ({"EventDate": "20/11/2026"}, "EventDate", "is not a date"),
        ({"Date10": "soon"}, "Date10", "is not a date"),
        ({"Numeric10": "many"}, "Numeric10", "is not a number"),
        ({"ItemSku1": "A", "ItemPrice1": "5", "ItemQuantity1": "2", "ItemSubTotal1": "9"}, "ItemSubTotal1", "'10'"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    call: Caller, tracker: ActionTracker, fields: dict[str, Any], field: str, message: str
) -> None:
    response = call.form("POST", "Conversions", **{**report_fields(tracker), **fields})
    assert response.status_code == 400
    (entry,) = response.json()["errors"]
    assert entry["field"] == field
    assert message in entry["message"]


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"OrderSubTotalPreDiscount": "100"}, "100.00"),
        ({"OrderSubtotal": "100", "OrderTax": "7", "OrderShipping": "5"}, "100.00"),
        ({"OrderSubTotalPreDiscount": "100", "OrderDiscount": "10"}, "90.00"),
        ({"ItemSku1": "A", "ItemPrice1": "5.50", "ItemQuantity1": "2", "ItemSubTotal1": "11"}, "11.00"),
    ],
)
def test_an_amount_comes_in_the_documented_ways(
    call: Caller, tracker: ActionTracker, fields: dict[str, Any], amount: str
) -> None:
    call.submission(call.form("POST", "Conversions", **report_fields(tracker), **fields))
    assert rendered("{OriginalAmount}") == amount


def test_app_and_device_fill_the_parameters_of_templates(call: Caller, tracker: ActionTracker) -> None:
    fields = {
        "AppName": "Summit",
        "AppPackage": "example.summit",
        "AppVer": "4.2",
        "DeviceModel": "Pixel 9",
        "DeviceMfr": "Google",
        "DeviceOs": "Android",
        "DeviceOsVer": "16",
    }
    assert call.submission(call.form("POST", "Conversions", **report_fields(tracker), **fields))["Notes"] == []
    names = ("appName", "appPackage", "appVersion", "deviceModel", "deviceManuf", "deviceOs", "deviceOsVersion")
    assert rendered("|".join(f"{{{name}}}" for name in names)) == "|".join(fields.values())


def test_all_free_fields_fill_their_parameters(call: Caller, tracker: ActionTracker) -> None:
    fields = {f"Text{n}": f"text {n}" for n in range(1, 51)}
    for n in range(1, 11):
        fields |= {f"Numeric{n}": f"{n}.5", f"Money{n}": f"{n}.00", f"Date{n}": f"2026-11-{n:02}T00:00:00+00:00"}
    assert call.submission(call.json("POST", "Conversions", **report_fields(tracker), **fields))["Notes"] == []
    assert rendered("|".join(f"{{{name}}}" for name in fields)) == "|".join(fields.values())


def test_what_is_told_of_items_fills_their_attributes(call: Caller, tracker: ActionTracker) -> None:
    fields = {
        "ItemSku1": "A",
        "ItemSubTotal1": "5",
        "ItemBrand1": "Tidewater",
        "itemmpn1": "TW-1",
        "ItemSubCategory1": "Divers",
        "ItemPromoCode1": "WATCH5",
        "ItemDeliveryType1": "Parcel",
        "ItemText1_1": "blue",
        "ItemText1_50": "last",
        "item_numeric_1_10": "7.5",
        "ItemMoney1_3": "1.5",
        "ItemDate1_2": "2026-11-20T24:00:00Z",
        "ItemSku2": "B",
        "ItemSubTotal2": "3",
        "ItemBrand2": "Harbor",
    }
    told = call.submission(call.form("POST", "Conversions", **report_fields(tracker), **fields))
    assert (told["Result"], told["Notes"]) == ("recorded", [])
    names = ("sku", "brand", "mpn", "subcategory", "promocode", "deliverytype", "text1", "text50", "numeric10")
    item = "|".join(f"{{i.{name}}}" for name in (*names, "money3", "date2"))
    template = f"{{join(items, i, '{item}', ' ')}}"
    before = "A|Tidewater|TW-1|Divers|WATCH5|Parcel|blue|last|7.5|1.50|2026-11-21T00:00:00+00:00 B|Harbor|||||||||"
    assert rendered(template) == before

    action = Action.objects.get()
    change = {"ActionId": action.action_id, "Items": [{"Sku": "B", "Brand": "Cove", "Text1": "red"}]}
    assert call.submission(call.json("PUT", "Actions", **change))["Result"] == "recorded"
    assert rendered(template) == before.replace("B|Harbor|||||", "B|Cove|||||red")
    assert call.submission(call.json("PUT", "Actions", **change))["Result"] == "repeated"
    assert [item.told for item in action.items.all()][1] == {"brand": "Cove", "text1": "red"}


def test_a_told_field_is_checked_and_bounded(call: Caller, tracker: ActionTracker) -> None:
    fields = {**report_fields(tracker), "ItemSku1": "A", "ItemSubTotal1": "5"}
    for name, value in (("ItemNumeric1_1", "many"), ("ItemDate1_1", "soon"), ("ItemMoney1_1", "x")):
        response = call.form("POST", "Conversions", **fields, **{name: value})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, name)
    told = call.submission(call.form("POST", "Conversions", **fields, ItemText1_51="x"))
    assert told["Notes"] == [
        "ItemText1_51 is no known field; it is kept with the action, and no postback can carry it."
    ]
