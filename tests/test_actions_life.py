"""The life of an action: created, modified, reversed, restored, with the values of each moment."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from actions.models import Action, ActionEvent
from actions.outcomes import RejectedOutcome
from actions.record import record
from actions.report import parse_report
from partners.models import ActionTracker
from tests.factories import (
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
    {"Sku": "RW87", "Category": "Hats", "Quantity": 11, "SubTotal": "54.89", "Name": "Brim & Co", "Discount": "1.5"},
]


@pytest.fixture
def sale() -> ActionEvent:
    """A sale in dollars whose partner is paid 8 % in euros."""
    tracker = make_tracker(make_program(name="Harbor"), name="Online Sale")
    partner = make_partner(name="Northwind", currency="EUR")
    make_term(tracker, partner, "8%", lock_after_days=10, clear_after_days=20)
    make_rate("EUR", "USD", "1.0850")
    return record_action(
        tracker,
        partner,
        OrderId="HO-1",
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
        "CampaignName": "Harbor",
        "ActionTrackerId": str(action.action_tracker_id),
        "ActionTrackerName": "Online Sale",
        "MediaPartnerId": str(action.partner_id),
        "MediaPartnerName": "Northwind",
        "ReferringType": "REPORTED_PARTNER_ID",
        "ActionId": f"{action.program_id}.{action.action_tracker_id}.{action.pk}",
        "Status": "PENDING",
        "Amount": "460.93",
        "DeltaAmount": "460.93",
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
        "Oid": "HO-1",
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
