"""The life of an action: created, modified, reversed, restored, with the values of each moment."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from actions.models import Action, ActionEvent, Item
from actions.recording.record import record
from actions.recording.results import RejectedResult, Repeated
from actions.reports.report import parse_report
from partners.models import ContractTerm, ExchangeRate
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_report,
    make_term,
    make_tracker,
    record_action,
    record_change,
    recorded_event,
)

pytestmark = pytest.mark.django_db

ITEMS = [
    {"Sku": "GH23", "Category": "Watches", "Quantity": 3, "SubTotal": "8.76", "Name": "Tide dial"},
    {"Sku": "UT66", "Category": "Shoes", "Quantity": 4, "SubTotal": "397.28", "Name": 'Deck "Pro" 42'},
    {
        "Sku": "RW87",
        "Category": "Hats",
        "Quantity": 11,
        "SubTotal": "56.39",
        "Name": "Brim & Co",
        "TotalDiscount": "1.5",
    },
]


@pytest.fixture
def sale() -> ActionEvent:
    """A sale in dollars whose partner is paid 8 % in euros."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass", currency="EUR")
    make_term(tracker, partner, "8%", lock_after_days=10, clear_after_days=20)
    make_rate("EUR", "USD", "1.0850")
    return record_action(
        tracker,
        partner,
        OrderId="SS-1",
        EventDate="2026-11-20T10:42:38-07:00",
        CurrencyCode="USD",
        CustomerCity="São Paulo",
        ClickId="Xy7-aZ.2",
        Items=ITEMS,
    )


def values(event: ActionEvent, *names: str) -> list[str | None]:
    return [event.parameters.get(name) for name in names]


MONEY = ("Amount", "DeltaAmount", "IntendedAmount", "Payout", "DeltaPayout", "IntendedPayout")


def test_a_created_action_has_the_values_of_its_report(sale: ActionEvent) -> None:
    action = sale.action
    assert (sale.kind, sale.number) == ("created", 1)
    created = action.created_at.astimezone(UTC).isoformat(timespec="seconds")
    assert sale.parameters == {
        "CampaignId": str(action.program_id),
        "CampaignName": "Summit",
        "ActionTrackerId": str(action.action_tracker_id),
        "ActionTrackerName": "Online Sale",
        "MediaPartnerId": str(action.partner_id),
        "MediaPartnerName": "Compass",
        "ReferringType": "REPORTED_PARTNER_ID",
        "ActionId": f"{action.program_id}.{action.action_tracker_id}.{action.pk}",
        "Status": "PENDING",
        "Amount": "460.93",
        "DeltaAmount": "460.93",
        "PayoutCurrency": "EUR",
        "IntendedAmount": "460.93",
        "Payout": "33.99",
        "DeltaPayout": "33.99",
        "IntendedPayout": "33.99",
        "Currency": "USD",
        "OriginalCurrency": "USD",
        "OriginalAmount": "460.93",
        "EventDate": "2026-11-20T10:42:38-07:00",
        "CreationDate": created,
        "LockingDate": "2026-11-30T17:42:38+00:00",
        "ClearedDate": "2026-12-10T17:42:38+00:00",
        "Oid": "SS-1",
        "CustomerCity": "São Paulo",
        "RefClickId": "Xy7-aZ.2",
        "items": [
            {"sku": "GH23", "cat": "Watches", "qty": "3", "amt": "8.76", "cartamt": "8.76", "name": "Tide dial"},
            {"sku": "UT66", "cat": "Shoes", "qty": "4", "amt": "397.28", "cartamt": "397.28", "name": 'Deck "Pro" 42'},
            {
                "sku": "RW87",
                "cat": "Hats",
                "qty": "11",
                "amt": "54.89",
                "cartamt": "54.89",
                "rbt": "1.50",
                "name": "Brim & Co",
            },
        ],
    }


def test_what_the_database_holds_is_what_the_event_says(sale: ActionEvent) -> None:
    action = Action.objects.get(pk=sale.action_id)
    assert action.event_date == datetime(2026, 11, 20, 17, 42, 38, tzinfo=UTC)
    assert action.event_utc_offset_minutes == -420
    assert (action.amount, action.payout, action.no_payout_reason) == (Decimal("460.93"), Decimal("33.99"), "")
    assert list(action.items.values_list("position", "sku", "quantity", "sub_total")) == [
        (1, "GH23", 3, Decimal("8.76")),
        (2, "UT66", 4, Decimal("397.28")),
        (3, "RW87", 11, Decimal("54.89")),
    ]
    assert ActionEvent.objects.get(action=action).parameters == sale.parameters


def test_a_modification_merges_items_by_sku_and_keeps_the_intended_values(sale: ActionEvent) -> None:
    event = record_change(
        sale, "modified", Reason="ITEM_RETURNED", Items=[{"Sku": "UT66", "Quantity": 2, "SubTotal": "198.64"}]
    )
    assert (event.kind, event.number) == ("modified", 2)
    assert values(event, *MONEY) == ["262.29", "-198.64", "460.93", "19.34", "-14.65", "33.99"]
    assert values(event, "Status", "StatusDetail") == ["PENDING", "ITEM_RETURNED"]
    assert [item["qty"] for item in event.parameters["items"]] == ["3", "2", "11"]
    assert event.parameters["items"][1]["name"] == 'Deck "Pro" 42'
    assert values(ActionEvent.objects.get(pk=sale.pk), "Amount", "Payout") == ["460.93", "33.99"]


def test_a_reversal_keeps_the_items_and_a_restoration_brings_the_money_back(sale: ActionEvent) -> None:
    reversal = record_change(sale, "reversed", Reason="CONS_FRAUD")
    assert values(reversal, *MONEY) == ["0.00", "-460.93", "460.93", "0.00", "-33.99", "33.99"]
    assert values(reversal, "Status", "StatusDetail", "OriginalAmount") == ["REVERSED", "CONS_FRAUD", "460.93"]
    assert reversal.parameters["items"] == sale.parameters["items"]

    restoration = record_change(sale, "restored")
    assert values(restoration, *MONEY) == ["460.93", "460.93", "460.93", "33.99", "33.99", "33.99"]
    assert values(restoration, "Status", "StatusDetail") == ["PENDING", None]
    assert [event.number for event in ActionEvent.objects.order_by("id")] == [1, 2, 3]


def test_a_restoration_brings_back_what_was_there_whatever_the_contract_says_now(sale: ActionEvent) -> None:
    record_change(sale, "modified", Amount="100")
    record_change(sale, "reversed")
    ContractTerm.objects.update(payout=50)
    ExchangeRate.objects.all().delete()
    assert values(record_change(sale, "restored"), "Amount", "Payout", "DeltaPayout") == ["100.00", "7.37", "7.37"]


def test_the_deltas_of_an_actions_events_add_up_to_its_payout(sale: ActionEvent) -> None:
    record_change(sale, "modified", Items=[{"Sku": "GH23", "Quantity": 0}])
    record_change(sale, "reversed")
    record_change(sale, "restored")
    record_change(
        sale, "modified", Items=[{"Sku": "NEW", "SubTotal": "10.01"}, {"Sku": "RW87", "SubTotalDelta": "-4.89"}]
    )
    events = ActionEvent.objects.order_by("id")
    action = Action.objects.get()
    assert len(events) == 5
    assert sum(Decimal(event.parameters["DeltaPayout"]) for event in events) == action.payout
    assert sum(Decimal(event.parameters["DeltaAmount"]) for event in events) == action.amount
    assert action.amount == Decimal("397.28") + Decimal("50.00") + Decimal("10.01")
    assert list(action.items.values_list("sku", flat=True)) == ["GH23", "UT66", "RW87", "NEW"]


def refusal(event: ActionEvent, kind: str, **fields: object) -> RejectedResult:
    (outcome,) = record([parse_report({"Event": kind, "ActionId": event.action.action_id, **fields})])
    assert isinstance(outcome, RejectedResult), outcome
    return outcome


def test_only_a_pending_action_is_changed_and_only_a_reversed_one_restored(sale: ActionEvent) -> None:
    assert refusal(sale, "restored").reason_code == "ACTION_NOT_REVERSED"
    record_change(sale, "reversed")
    assert refusal(sale, "reversed").reason_code == "ACTION_NOT_PENDING"
    assert "REVERSED; only a pending one can be modified" in refusal(sale, "modified", Amount="1").message
    Action.objects.update(status=Action.Status.APPROVED)
    for kind in ("modified", "reversed"):
        assert (
            refusal(sale, kind, **({"Amount": "1"} if kind == "modified" else {})).reason_code == "ACTION_NOT_PENDING"
        )
    assert refusal(sale, "restored").reason_code == "ACTION_NOT_REVERSED"
    assert ActionEvent.objects.count() == 2


def test_a_refused_change_leaves_no_trace(sale: ActionEvent) -> None:
    before = Action.objects.values().get()
    outcome = refusal(
        sale, "modified", Items=[{"Sku": "GH23", "Quantity": 9}, {"Sku": "UT66", "SubTotalDelta": "-500"}], Note="no"
    )
    assert outcome.reason_code == "MALFORMED"
    assert "UT66 would have the quantity 4 and the subtotal -102.72" in outcome.message
    assert Action.objects.values().get() == before
    assert list(Action.objects.get().items.values_list("quantity", flat=True)) == [3, 4, 11]
    assert ActionEvent.objects.count() == 1


def test_a_modification_that_says_what_already_is_is_a_repeat(sale: ActionEvent) -> None:
    fields = {"Event": "modified", "ActionId": sale.action.action_id, "Items": [{"Sku": "UT66", "SubTotal": "1"}]}
    record([parse_report(fields)])
    assert record([parse_report(fields)]) == [Repeated(sale.action)]
    assert ActionEvent.objects.count() == 2
    recorded_event(record([parse_report({**fields, "Reason": "OTHER"})])[0])


def test_amount_zero_of_a_modification_is_a_reversal(sale: ActionEvent) -> None:
    event = record_change(sale, "modified", Amount=0, Reason="ITEM_RETURNED")
    assert event.kind == "reversed"
    assert values(event, "Status", "Amount", "DeltaPayout") == ["REVERSED", "0.00", "-33.99"]


def test_an_amount_replaces_the_total_and_leaves_the_items_as_they_were(sale: ActionEvent) -> None:
    event = record_change(sale, "modified", Amount="100")
    assert values(event, "Amount", "OriginalAmount", "DeltaAmount", "Payout") == ["100.00", "100.00", "-360.93", "7.37"]
    assert event.parameters["items"] == sale.parameters["items"]


def test_a_change_adds_to_what_was_reported_and_is_seen_from_then_on(sale: ActionEvent) -> None:
    event = record_change(sale, "modified", Note="Called", CustomerCity="Olinda", MediaSourceIds="4001, 4002")
    assert values(event, "Note", "CustomerCity", "RefClickId", "DeltaAmount") == [
        "Called",
        "Olinda",
        "Xy7-aZ.2",
        "0.00",
    ]
    assert values(ActionEvent.objects.get(pk=sale.pk), "Note", "CustomerCity") == [None, "São Paulo"]
    assert Action.objects.get().media_source_ids == [4001, 4002]


def test_a_change_that_names_nothing_to_change_is_refused(sale: ActionEvent) -> None:
    assert refusal(sale, "modified").reason_code == "NO_ITEM"


def test_a_change_in_another_currency_is_refused(sale: ActionEvent) -> None:
    outcome = refusal(sale, "modified", CurrencyCode="EUR", Amount="5")
    assert outcome.message == "CurrencyCode: the order is in USD, not EUR."


@pytest.mark.parametrize(
    "changes",
    [
        {"ActionId": "1.2.999999999"},
        {"ActionTrackerId": 999_999, "OrderId": "SS-1"},
        {"ActionTrackerId": "own", "OrderId": "SS-2"},
        {"ActionId": "own", "OrderId": "SS-2"},
        {"ActionId": "own", "ActionTrackerId": 999_999},
        {"ActionId": "own", "CampaignId": 999_999},
    ],
)
def test_a_change_of_an_action_that_is_not_there_is_refused(sale: ActionEvent, changes: dict[str, object]) -> None:
    own = {"ActionId": sale.action.action_id, "ActionTrackerId": sale.action.action_tracker_id}
    fields = {name: own[name] if value == "own" else value for name, value in changes.items()}
    (outcome,) = record([parse_report({"Event": "reversed", **fields})], keep_early=False)
    assert isinstance(outcome, RejectedResult)
    assert outcome.reason_code == "ACTION_NOT_FOUND"
    assert Action.objects.get().status == "PENDING"


def test_an_order_id_names_its_newest_action() -> None:
    tracker = make_tracker()
    old = record_action(tracker, OrderId="A", EventDate="2026-01-01T00:00:00Z", Amount="1")
    new = record_action(tracker, OrderId="A", EventDate="2026-06-01T00:00:00Z", Amount="2")
    (outcome,) = record([parse_report({"Event": "reversed", "ActionTrackerId": tracker.pk, "OrderId": "A"})])
    assert recorded_event(outcome).action_id == new.action_id
    assert Action.objects.get(pk=old.action_id).status == "PENDING"


def test_a_batch_creates_and_changes_the_same_action_in_order() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "10%")
    key = {"ActionTrackerId": tracker.pk, "OrderId": "A"}
    outcomes = record(
        [
            make_report(tracker, partner, OrderId="A", Items=[{"Sku": "X", "SubTotal": "10"}]),
            parse_report({"Event": "modified", **key, "Items": [{"Sku": "Y", "SubTotal": "5"}]}),
            parse_report({"Event": "reversed", **key}),
            parse_report({"Event": "restored", **key}),
            make_report(tracker, partner, OrderId="A"),
        ]
    )
    events = [recorded_event(outcome) for outcome in outcomes[:4]]
    assert outcomes[4] == Repeated(events[0].action)
    assert [values(event, "Amount", "DeltaPayout") for event in events] == [
        ["10.00", "1.00"],
        ["15.00", "0.50"],
        ["0.00", "-1.50"],
        ["15.00", "1.50"],
    ]
    stored = ActionEvent.objects.order_by("id")
    assert [(event.kind, event.number) for event in stored] == [
        ("created", 1),
        ("modified", 2),
        ("reversed", 3),
        ("restored", 4),
    ]
    assert Action.objects.get().payout == Decimal("1.50")
    assert list(Item.objects.values_list("position", "sku", "amount")) == [
        (1, "X", Decimal("10.00")),
        (2, "Y", Decimal("5.00")),
    ]
