"""Reading reports: names, aliases, values, items, and what is refused with which words."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.models import ActionEvent
from actions.reports.known_names import ALIASES, WORKED_OUT
from actions.reports.parameters import PARAMETERS
from actions.reports.rejected import Rejected
from actions.reports.report import READERS, Report, parse_report
from actions.reports.reported_items import ReportedItem

SALE = {"CampaignId": 1, "ActionTrackerId": 2, "OrderId": "A-1", "EventDate": "2026-11-20T10:42:38-07:00"}
CHANGE = {"Event": "modified", "ActionId": "1.2.3"}


def sale(**fields: Any) -> Report:
    return parse_report({**SALE, **fields})


def refused(fields: dict[str, Any]) -> Rejected:
    with pytest.raises(Rejected) as caught:
        parse_report(fields)
    return caught.value


def test_a_report_of_a_new_action_is_read() -> None:
    report = sale(MediaPartnerId="3001", CurrencyCode="usd", MediaSourceIds="4001;4002 4001", CustomerCity="São Paulo")
    assert report == Report(
        kind=ActionEvent.Kind.CREATED,
        campaign_id=1,
        action_tracker_id=2,
        order_id="A-1",
        event_date=datetime(2026, 11, 20, 10, 42, 38, tzinfo=timezone(timedelta(hours=-7))),
        partner_id=3001,
        currency="USD",
        media_source_ids=(4001, 4002),
        parameters={"CustomerCity": "São Paulo"},
    )


def test_empty_and_null_fields_count_as_absent() -> None:
    assert sale(Note="", Amount=None, MediaPartnerId="", Items=None, ItemSku1="") == sale()


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in WORKED_OUT])
def test_every_parameter_is_accepted_under_its_own_name(name: str) -> None:
    example = PARAMETERS[name].example
    fields: dict[str, Any] = {**SALE, name: example}
    if name == "Oid":
        del fields["OrderId"]
    report = parse_report(fields)
    assert report.warnings == ()
    if ALIASES.get(name, name) not in READERS:
        assert report.parameters == {name: example}


@pytest.mark.parametrize(
    ("price", "quantity", "sub_total", "currency"),
    [
        ("5.00", "3", "15.00", "USD"),
        ("5", "", "5.00", ""),
        ("3.333", "3", "10.00", "EUR"),
        ("3.33", "3", "10.00", "EUR"),  # Each piece was rounded.
        ("33", "3", "100", "JPY"),
        ("0", "3", "0", "USD"),
    ],
)
def test_a_subtotal_may_stand_beside_a_price_that_agrees(
    price: str, quantity: str, sub_total: str, currency: str
) -> None:
    flat = sale(ItemSku1="A", ItemPrice1=price, ItemQuantity1=quantity, ItemSubTotal1=sub_total, CurrencyCode=currency)
    listed = sale(
        Items=[{"Sku": "A", "Price": price, "Quantity": quantity, "SubTotal": sub_total}], CurrencyCode=currency
    )
    (item,) = flat.items
    assert (item.sub_total, item.price) == (Decimal(sub_total), None)
    assert flat.items == listed.items


def test_of_a_change_the_quantity_tells_whether_price_and_subtotal_agree() -> None:
    item = {"Sku": "A", "Price": "5", "SubTotal": "15"}
    assert "no Quantity to tell" in str(refused({**CHANGE, "Items": [item]}))
    assert parse_report({**CHANGE, "Items": [{**item, "Quantity": 3}]}).items[0].sub_total == 15


@pytest.mark.parametrize("name", ["OrderSubTotalPreDiscount", "OrderSubtotal", "ordersubtotal"])
def test_a_total_before_discounts_is_an_amount(name: str) -> None:
    assert (sale(**{name: "100"}).amount, sale(**{name: "100"}).warnings) == (Decimal(100), ())


@pytest.mark.parametrize("name", sorted(WORKED_OUT))
def test_what_follows_from_the_action_is_not_taken_from_the_report(name: str) -> None:
    report = sale(**{name: "1"})
    assert report.parameters == {}
    assert report.warnings == (f"{name} is worked out from the action; the reported value is not used.",)


@pytest.mark.parametrize(
    ("alias", "value", "attribute", "expected"),
    [
        ("Oid", "X", "order_id", "X"),
        ("EventTypeId", 9, "action_tracker_id", 9),
        ("MediaId", 9, "partner_id", 9),
        ("OriginalCurrency", "EUR", "currency", "EUR"),
        ("OriginalAmount", "5", "amount", Decimal("5.00")),
        ("StatusDetail", "OTHER", "reason", "OTHER"),
        ("ClickId", "c", "parameters", {"RefClickId": "c"}),
        ("IpAddress", "203.0.113.9", "parameters", {"IpAddressPlain": "203.0.113.9"}),
    ],
)
def test_other_names_mean_the_same(alias: str, value: object, attribute: str, expected: object) -> None:
    fields = {name: each for name, each in SALE.items() if name != ALIASES[alias]}
    assert getattr(parse_report({**fields, alias: value}), attribute) == expected


def test_a_reason_and_a_disposition_code_are_both_kept() -> None:
    assert sale(DispositionCode="CONS_FRAUD").reason == "CONS_FRAUD"
    assert sale(DispositionCode="CONS_FRAUD").parameters == {}
    both = sale(DispositionCode="CONS_FRAUD", Reason="ITEM_RETURNED")
    assert (both.reason, both.parameters) == ("ITEM_RETURNED", {"DispositionCode": "CONS_FRAUD"})
    assert both.warnings == ("DispositionCode is kept with the action; Reason becomes the StatusDetail.",)
    same = sale(DispositionCode="OTHER", Reason="OTHER")
    assert (same.reason, same.parameters, same.warnings) == ("OTHER", {}, ())


def test_two_names_of_a_field_may_not_contradict_each_other() -> None:
    assert sale(Oid="A-1").order_id == "A-1"
    assert str(refused({**SALE, "Oid": "A-2"})) == "Oid: it differs from OrderId, which means the same."
    assert "differs from RefClickId" in str(refused({**SALE, "ClickId": "a", "RefClickId": "b"}))


def test_an_unknown_field_is_kept_and_named_with_a_guess() -> None:
    report = sale(CustomerCtiy="Olinda", PaymentType="x")
    assert report.parameters == {"CustomerCtiy": "Olinda", "PaymentType": "x"}
    assert "Did you mean CustomerCity?" in report.warnings[0]
    assert len(report.warnings) == 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-20T10:42:38Z", "2026-11-20T10:42:38+00:00"),
        ("2026-11-20T10:42:38.999+05:30", "2026-11-20T10:42:38+05:30"),
        ("2026-11-20T10:42:38-0700", "2026-11-20T10:42:38-07:00"),
        ("2026-11-20 10:42", "2026-11-20T10:42:00+00:00"),
        ("2026-11-20", "2026-11-20T00:00:00+00:00"),
    ],
)
def test_dates_keep_their_offset_and_are_utc_without_one(written: str, expected: str) -> None:
    assert sale(Date1=written).parameters == {"Date1": expected}


def test_now_is_the_moment_of_reading() -> None:
    now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    assert parse_report({**SALE, "EventDate": "NOW"}, now=now).event_date == now
    before = datetime.now(UTC) - timedelta(seconds=1)
    read = parse_report({**SALE, "EventDate": "now"}).event_date
    assert read is not None
    assert before <= read <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"OrderId": ""}, "OID_MISSING", "OrderId is missing; it tells one order from another."),
        ({"OrderId": "  "}, "OID_MISSING", "OrderId is missing; it tells one order from another."),
        ({"CampaignId": None}, "MALFORMED", "CampaignId is missing; a new action needs it."),
        ({"ActionTrackerId": None}, "MALFORMED", "ActionTrackerId is missing; a new action needs it."),
        ({"EventDate": None}, "MALFORMED", "EventDate is missing; a new action needs it."),
        (
            {"CampaignId": "x1"},
            "MALFORMED",
            "CampaignId: 'x1' is not an id; a whole number above 0 is expected.",
        ),
        (
            {"CampaignId": True},
            "MALFORMED",
            "CampaignId: 'true' is not an id; a whole number above 0 is expected.",
        ),
        (
            {"MediaPartnerId": 2**63},
            "MALFORMED",
            "MediaPartnerId: '9223372036854775808' is not an id; a whole number above 0 is expected.",
        ),
        (
            {"EventDate": "20.11.2026"},
            "MALFORMED",
            "EventDate: '20.11.2026' is not a date; ISO 8601, such as 2026-11-20T10:42:38-07:00, is expected.",
        ),
        (
            {"EventDate": "0026-11-20T00:00:00Z"},
            "MALFORMED",
            "EventDate: '0026-11-20T00:00:00Z' is not between the years 2000 and 2100.",
        ),
        (
            {"EventDate": "2026-11-20T00:00:00+01:00:30"},
            "MALFORMED",
            "EventDate: '2026-11-20T00:00:00+01:00:30' has a UTC offset that is not in whole minutes.",
        ),
        (
            {"Amount": "12,50"},
            "MALFORMED",
            "Amount: '12,50' is not a number; digits and a decimal point, such as 12.50, are expected.",
        ),
        (
            {"Amount": "1_000"},
            "MALFORMED",
            "Amount: '1_000' is not a number; digits and a decimal point, such as 12.50, are expected.",
        ),
        ({"Amount": "-1"}, "MALFORMED", "Amount: '-1' is negative; 0 or more is expected."),
        (
            {"Amount": "10000000000"},
            "MALFORMED",
            "Amount: '10000000000' is too large; less than 10,000,000,000 is expected.",
        ),
        (
            {"CurrencyCode": "EURO"},
            "MALFORMED",
            "CurrencyCode: 'EURO' is not a currency; three letters, such as USD, are expected.",
        ),
        (
            {"Event": "locked"},
            "MALFORMED",
            (
                "Event: 'locked' is not an event that can be reported; expected is one of "
                "created, modified, reversed, restored."
            ),
        ),
        ({"Note": "x" * 256}, "MALFORMED", "Note: 256 characters; at most 255 are allowed."),
        ({"Note": ["x"]}, "MALFORMED", "Note: a single value is expected, not a list or an object."),
        ({"Note": "a\0b"}, "MALFORMED", "Note: it holds a NUL character (U+0000), which cannot be stored."),
        (
            {"Note": "a\ud800b"},
            "MALFORMED",
            "Note: it holds half a surrogate pair (U+D800), which is no character.",
        ),
        ({"a\0b": "x"}, "MALFORMED", "a\\0b: it holds a NUL character (U+0000), which cannot be stored."),
        ({"\ud800": "x"}, "MALFORMED", "\\ud800: it holds half a surrogate pair (U+D800), which is no character."),
        ({"x" * 101: "x"}, "MALFORMED", "x" * 100 + "…: a field's name has at most 100 characters."),
        ({"Numeric1": "many"}, "MALFORMED", None),
        ({"Items": "GH23"}, "MALFORMED", None),
        ({"Items": [1]}, "MALFORMED", "Items: item 1 is not an object with fields such as Sku and SubTotal."),
        ({"Items": [{}] * 1001}, "MALFORMED", "Items: 1001 items; at most 1000 are allowed."),
        (
            {"Items": [{"Sku": "A"}, {"Quantity": "1.5"}]},
            "MALFORMED",
            "Items, item 2, Quantity: '1.5' is not a quantity; a whole number is expected.",
        ),
        ({"Items": [{"Sku": "a\0"}]}, "MALFORMED", None),
        (
            {"Items": [{"SubTotal": "2", "Price": "1"}]},
            "MALFORMED",
            "Items: the SubTotal of item 1 is '2', but its Price times its Quantity is '1'; report one of them.",
        ),
        (
            {"ItemPrice2": "5", "ItemQuantity2": "3", "ItemSubTotal2": "20", "ItemSku1": "A", "ItemSubTotal1": "1"},
            "MALFORMED",
            None,
        ),
        ({"Items": [{"Sku": "A"}], "ItemSku1": "A"}, "MALFORMED", None),
        (
            {"Items": [{"Sku": "A", "SubTotalDelta": "1"}]},
            "MALFORMED",
            "Items: item 1 has a Delta, which only a change of an order can have.",
        ),
    ],
)
def test_a_wrong_field_is_refused_with_its_value_and_what_is_expected(
    fields: dict[str, Any], code: str, message: str | None
) -> None:
    refusal = refused({**SALE, **fields})
    assert refusal.reason_code == code
    if message is not None:
        assert str(refusal) == message


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Event": "reversed"}, "MALFORMED"),
        ({"Event": "reversed", "OrderId": "A"}, "MALFORMED"),
        ({"Event": "reversed", "ActionTrackerId": 2}, "MALFORMED"),
        ({"Event": "reversed", "ActionId": "1.2"}, "MALFORMED"),
        ({"Event": "reversed", "ActionId": "1.2.3", "Items": [{"Sku": "A"}]}, "MALFORMED"),
        ({**CHANGE, "Items": [{"SubTotal": "5"}]}, "NO_ITEM"),
        ({**CHANGE, "Items": [{"Sku": "A", "Quantity": 1, "QuantityDelta": 1}]}, "MALFORMED"),
    ],
)
def test_a_change_must_say_what_it_changes(fields: dict[str, Any], code: str) -> None:
    assert refused(fields).reason_code == code


def test_items_are_the_same_as_a_list_and_flat() -> None:
    listed = sale(
        Items=[
            {"Sku": "A", "Category": "Hats", "Quantity": 2, "SubTotal": Decimal("8.76"), "Name": "Brim", "Discount": 1},
            {"Sku": "B", "Price": "2.5", "Quantity": "3"},
        ]
    )
    flat = sale(
        ItemSku1="A",
        ItemCategory1="Hats",
        ItemQuantity1="2",
        ItemSubTotal1="8.76",
        ItemName1="Brim",
        ItemDiscount1="1.00",
        ItemSku2="B",
        ItemPrice2="2.5",
        ItemQuantity2="3",
    )
    assert listed == flat
    assert listed.items == (
        ReportedItem("A", "Hats", "Brim", 2, Decimal("8.76"), None, Decimal("1.00")),
        ReportedItem("B", None, None, 3, None, Decimal("2.5")),
    )


def test_items_come_by_their_number_and_numbers_may_be_missing() -> None:
    report = sale(ItemSku10="C", ItemSku2="B", ItemSku1="A", Amount="5")
    assert [item.sku for item in report.items] == ["A", "B", "C"]


def test_item_attributes_are_accepted_under_the_names_of_templates() -> None:
    report = sale(items=[{"sku": "A", "cat": "Hats", "qty": "2", "cartamt": "8.76", "rbt": "1", "name": "Brim"}])
    assert report.items == (ReportedItem("A", "Hats", "Brim", 2, net=Decimal("8.76"), total_discount=Decimal("1.00")),)


def test_an_amount_beside_a_lone_sku_is_that_items() -> None:
    report = parse_report({**CHANGE, "Sku": "A", "Quantity": 1, "Amount": "5"})
    assert report.items == (ReportedItem("A", quantity=1, amount=Decimal("5.00")),)
    assert report.amount is None
    batch = parse_report({**CHANGE, "Sku1": "A", "Amount1": "5", "Sku2": "B", "Amount2": "6"})
    assert [item.amount for item in batch.items] == [Decimal("5.00"), Decimal("6.00")]


def test_the_amount_of_an_order_with_items_is_not_used() -> None:
    report = sale(Amount="99", ItemSku1="A", ItemSubTotal1="5")
    assert report.amount is None
    assert report.warnings == ("Amount is not used: the order's amount is the sum of its items.",)


@pytest.mark.parametrize(
    ("written", "read"),
    [("12.5", "12.5"), (12, "12"), (19.9, "19.9"), (Decimal("1E+2"), "100"), ("0.1254", "0.1254"), (".5", "0.5")],
)
def test_amounts_are_read_exactly_since_their_currency_is_not_known_yet(written: object, read: str) -> None:
    assert str(sale(Amount=written).amount) == read


@pytest.mark.parametrize("number", ["1e999999999", "-1e-999999999", "NaN", "Infinity"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    assert refused({**SALE, "Amount": Decimal(number)}).reason_code == "MALFORMED"
    assert refused({**SALE, "Amount": number}).reason_code == "MALFORMED"


_text = st.text(st.characters(exclude_categories=()))  # Half surrogate pairs included.
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_names = st.sampled_from([*READERS, *ALIASES, *PARAMETERS, "Items", "ItemSku1", "ItemPrice2", "Quantity"]) | _text


@given(st.dictionaries(_names, _json, max_size=8))
def test_whatever_comes_is_refused_with_a_message_or_can_be_stored(fields: dict[str, Any]) -> None:
    try:
        texts = [json.dumps(dict(parse_report({**SALE, **fields}).parameters), ensure_ascii=False)]
    except Rejected as refusal:
        texts = [str(refusal), refusal.field]
    for text in texts:
        text.encode()
        assert "\0" not in text
        assert "\\u0000" not in text
