"""What the registry says of the parameters, held against actions that were really recorded."""

from typing import Any

import pytest

from actions.models import ActionEvent
from actions.reports.parameters import (
    EVENTS,
    ITEM_ATTRIBUTES,
    PARAMETERS,
    TOLD_OF_ITEMS,
    Carried,
    ParameterType,
    is_personal,
    sample_values,
)
from postbacks.preview import delivery_samples
from postbacks.request.template import Place, compile_template
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

# They follow from the action and its surroundings; all others are rendered as they were reported.
WORKED_OUT = {
    "CampaignId",
    "CampaignName",
    "ActionTrackerId",
    "ActionTrackerName",
    "MediaPartnerId",
    "MediaPartnerName",
    "ActionId",
    "Status",
    "StatusDetail",
    "Payout",
    "DeltaPayout",
    "IntendedPayout",
    "PayoutCurrency",
    "Amount",
    "DeltaAmount",
    "IntendedAmount",
    "Currency",
    "OriginalCurrency",
    "OriginalAmount",
    "CreationDate",
    "LockingDate",
    "ClearedDate",
    "Oid",
}
ORDER_LEVEL = [name for name, parameter in PARAMETERS.items() if parameter.carried is not Carried.DELIVERY]


def names_carried(*conditions: Carried) -> set[str]:
    return {name for name, parameter in PARAMETERS.items() if parameter.carried in conditions and not parameter.base}


def rendered(event: ActionEvent) -> dict[str, str]:
    """Every parameter as a template writes it for this event."""
    values: dict[str, Any] = delivery_samples() | event.parameters | {"ActionEvent": event.kind}
    return {name: compile_template(f"{{{name}}}", Place.TEXT).render(values) for name in PARAMETERS}


@pytest.mark.django_db
def test_every_parameter_renders_from_a_recorded_action_in_each_of_its_events() -> None:
    sample = sample_values()
    program = make_program(name=sample["CampaignName"], currency="USD")
    tracker = make_tracker(program, name=sample["ActionTrackerName"], in_app_events=("SALE",))
    partner = make_partner(name=sample["MediaPartnerName"], currency="USD")
    make_term(tracker, partner, payout="10%")
    make_rate("EUR", "USD", "1.25")
    reported = {name: text for name, text in sample.items() if name in PARAMETERS and name not in WORKED_OUT}
    del reported["DeliveryId"], reported["Attempt"], reported["ActionEvent"]
    told = {each.name: each.example for each in TOLD_OF_ITEMS}
    items = [{"sku": "A 1", "cat": "Hats", "qty": 2, "cartamt": "80.00", "rbt": "1.50", "name": "Brim"} | told]
    created = record_action(
        tracker, partner, OrderId="SS-1", CurrencyCode="EUR", Reason="TEST", Items=items, **reported
    )
    change = {"Items": [{"Sku": "A 1", "Quantity": 1, "SubTotal": "41.50"}], "Reason": "ITEM_RETURNED"}
    events = [
        created,
        record_change(created, "modified", **change),
        record_change(created, "reversed", Reason="ITEM_RETURNED"),
        record_change(created, "restored", Reason="OTHER"),
    ]

    assert [event.kind for event in events] == list(EVENTS)
    for event in events:
        texts = rendered(event)
        assert [name for name, text in texts.items() if not text] == []
        assert {name: texts[name] for name in reported} == reported
        assert texts["ActionEvent"] == event.kind
    assert len(ORDER_LEVEL) == len(PARAMETERS) - 3 == 161
    money = ("Amount", "DeltaAmount", "IntendedAmount", "OriginalAmount", "Payout", "DeltaPayout", "IntendedPayout")
    assert [[rendered(event)[name] for name in money] for event in events] == [
        ["100.00", "100.00", "100.00", "80.00", "10.00", "10.00", "10.00"],
        ["50.00", "-50.00", "100.00", "40.00", "5.00", "-5.00", "10.00"],
        ["0.00", "-50.00", "100.00", "40.00", "0.00", "-5.00", "10.00"],
        ["50.00", "50.00", "100.00", "40.00", "5.00", "5.00", "10.00"],
    ]
    item = "".join(f"{{i.{name}}}|" for name in ITEM_ATTRIBUTES)
    template = compile_template(f"{{join(items, i, '{item}')}}", Place.TEXT)
    assert template.render(created.parameters) == "|".join(
        ("A 1", "Hats", "2", "100.00", "80.00", "1.50", "Brim", *told.values(), "")
    )


@pytest.mark.django_db
def test_the_least_that_is_reported_gives_what_every_event_carries_and_no_more() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    always, credited = names_carried(Carried.ALWAYS), names_carried(Carried.CREDITED)
    assert set(record_action(tracker).parameters) - {"items"} == always
    by_partner = record_action(tracker, partner)
    # Who is named in the report is how the partner was found, unless the report says otherwise.
    assert set(by_partner.parameters) - {"items"} == always | credited | {"ReferringType"}
    with_reason = record_change(by_partner, "reversed", Reason="OTHER")
    without = record_change(by_partner, "restored")
    assert [event.parameters.get("StatusDetail") for event in (with_reason, without)] == ["OTHER", None]
    assert names_carried(Carried.REASON) == {"StatusDetail"}


@pytest.mark.django_db
def test_over_a_limit_the_payout_is_zero_and_the_intended_payout_what_it_would_have_been() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "10%", monthly_action_limit=1)
    within, over = (record_action(tracker, partner, Amount="120.00") for _ in range(2))
    template = compile_template("{Payout} {DeltaPayout} {IntendedPayout} {Amount} {IntendedAmount}", Place.TEXT)
    assert template.render(within.parameters) == "12.00 12.00 12.00 120.00 120.00"
    assert template.render(over.parameters) == "0.00 0.00 12.00 120.00 120.00"
    reversed_ = record_change(over, "reversed")
    restored = record_change(over, "restored")
    assert template.render(reversed_.parameters) == "0.00 0.00 12.00 0.00 120.00"
    assert template.render(restored.parameters) == "0.00 0.00 12.00 120.00 120.00"


def test_the_events_of_the_registry_are_those_that_postbacks_fire_for() -> None:
    assert set(EVENTS) == set(ActionEvent.NON_STANDARD)


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        *((parameter.type, parameter.example) for parameter in PARAMETERS.values()),
        *((attribute.type, attribute.example) for attribute in ITEM_ATTRIBUTES.values()),
    ],
)
def test_examples_are_of_their_declared_type(kind: ParameterType, example: str) -> None:
    checks = {
        ParameterType.NUMBER: f'{{number("{example}")}}',
        ParameterType.MONEY: f'{{number("{example}", 2)}}',
        ParameterType.DATE: f'{{date("{example}", "%FT%T%:z")}}',
    }
    if kind in checks:
        assert compile_template(checks[kind], Place.TEXT).render({}) == example
    assert example


def test_every_description_says_something_of_its_own() -> None:
    described = [each.description for each in PARAMETERS.values() if not each.name[-1].isdigit()]
    assert all(len(each) > 8 for each in described)
    assert len(described) == len(set(described))


def test_what_tells_who_or_where_the_customer_is_is_personal() -> None:
    devices = {
        f"{name}{suffix}"
        for name in ("macAddress", "iosIfa", "androidId")
        for suffix in ("", "Upper", "Lower", "Md5", "Sha1")
    }
    devices |= {f"macAddressBare{suffix}" for suffix in ("", "Md5", "Sha1")}
    places = {f"RefCustomer{part}" for part in ("Area", "City", "Region", "Country")}
    places |= {f"Customer{part}" for part in ("PostCode", "City", "Region", "Country")}
    others = {"odin1", "openUdid", "deviceId", "deviceIp", "UserAgent", "IpAddressPlain"}

    customer = {"CustomerId", "CustomerEmail", "CallerId"}
    # Before they were parameters, they were kept unread, as what nobody has described still is.
    free = {f"Text{number}" for number in range(4, 51)}
    free |= {f"{name}{number}" for name in ("Date", "Money", "Numeric") for number in range(4, 11)}

    assert {name for name in PARAMETERS if is_personal(name)} == devices | places | others | customer | free
    assert is_personal("CouponColor")
    assert not is_personal("items")
