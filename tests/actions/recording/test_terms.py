"""What terms say: scheduled ones on their days, other payouts for some categories."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from actions.models import ActionEvent
from partners.models import CategoryPayout, ContractTerm
from postbacks.config_file.dump import dump_config
from postbacks.config_file.load import load_config
from tests.support.factories import (
    make_contract,
    make_partner,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

pytestmark = pytest.mark.django_db

ITEMS = [
    {"Sku": "A", "Category": "Watches", "Quantity": 2, "SubTotal": "100.00"},
    {"Sku": "B", "Category": "shoes", "Quantity": 3, "SubTotal": "60.00"},
    {"Sku": "C", "Category": "Hats", "SubTotal": "10.00"},
]


def pay(term: ContractTerm, category: str, payout: str) -> CategoryPayout:
    kind = ContractTerm.PayoutType.PERCENTAGE if payout.endswith("%") else ContractTerm.PayoutType.FLAT
    return CategoryPayout.objects.create(
        contract_term=term, category=category, payout_type=kind, payout=Decimal(payout.removesuffix("%"))
    )


@pytest.mark.parametrize(
    ("day", "payout"),
    [
        ("2026-11-09T23:59:59-08:00", "8.00"),  # By UTC the sale would have begun.
        ("2026-11-10T00:00:00-08:00", "12.00"),
        ("2026-11-20", "12.00"),
        ("2026-11-21", "8.00"),
        ("2026-11-25", "15.00"),
        ("2027-11-25", "15.00"),
    ],
)
def test_a_scheduled_term_takes_the_place_of_the_usual_one_on_its_days(day: str, payout: str) -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "8%")
    make_term(tracker, partner, "12%", start=date(2026, 11, 10), end=date(2026, 11, 20))
    make_term(tracker, partner, "15%", start=date(2026, 11, 25))
    event = record_action(tracker, partner, EventDate=day, Amount="100")
    assert event.parameters["Payout"] == payout
    change = record_change(event, "modified", Amount="200")
    assert Decimal(change.parameters["Payout"]) == 2 * Decimal(payout), "by the day of the action, not of the change"


def test_without_a_usual_term_only_the_scheduled_days_are_paid() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "12%", start=date(2026, 11, 10), end=date(2026, 11, 20), lock_after_days=3)
    inside = record_action(tracker, partner, EventDate="2026-11-20", Amount="100").action
    outside = record_action(tracker, partner, EventDate="2026-11-21", Amount="100").action
    assert (inside.payout, (inside.locking_date - inside.event_date).days) == (Decimal("12.00"), 3)
    assert (outside.payout, outside.no_payout_reason) == (Decimal(0), "ACTIONTERMS_NOT_FOUND")


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ((None, None), "The contract has a term for this event type"),
        ((date(2026, 11, 20), None), "Another term for this event type is scheduled in that time."),
        ((date(2026, 11, 1), date(2026, 11, 10)), "Another term for this event type is scheduled in that time."),
        ((date(2026, 12, 1), date(2026, 11, 30)), "A scheduled term needs its first day, and cannot end before it."),
        ((None, date(2026, 11, 30)), "A scheduled term needs its first day, and cannot end before it."),
    ],
)
def test_of_terms_for_one_day_one_is_enough(days: tuple[date | None, date | None], message: str) -> None:
    tracker, partner = make_tracker(), make_partner()
    contract = make_contract(partner, tracker.program)
    make_term(tracker, partner, contract=contract)
    make_term(tracker, partner, contract=contract, start=date(2026, 11, 10), end=date(2026, 11, 20))
    other = ContractTerm(
        contract=contract, action_tracker=tracker, payout_type="flat", payout=1, start=days[0], end=days[1]
    )
    with pytest.raises(ValidationError, match=message):
        other.full_clean()


def test_items_of_a_category_are_paid_as_the_term_says() -> None:
    tracker, partner = make_tracker(), make_partner()
    term = make_term(tracker, partner, "8%")
    pay(term, "WATCHES", "5%")
    pay(term, "Shoes", "1.25")
    event = record_action(tracker, partner, Items=ITEMS)
    assert event.parameters["Payout"] == "9.55", "5.00 for watches, three times 1.25 for shoes, 0.80 for the hat"

    less = record_change(event, "modified", Items=[{"Sku": "B", "Quantity": 1, "SubTotal": "20.00"}])
    assert (less.parameters["Payout"], less.parameters["DeltaPayout"]) == ("7.05", "-2.50")
    total = record_change(event, "modified", Amount="50.00")
    assert total.parameters["Payout"] == "4.00", "of a total nobody knows the categories"


def test_a_flat_term_is_paid_once_for_items_of_no_category_of_its_own() -> None:
    tracker, partner = make_tracker(), make_partner()
    term = make_term(tracker, partner, "3.00")
    pay(term, "Watches", "5%")
    assert record_action(tracker, partner, Items=ITEMS).parameters["Payout"] == "8.00"
    assert record_action(tracker, partner, Items=ITEMS[:1]).parameters["Payout"] == "5.00"
    assert record_action(tracker, partner, Amount="100").parameters["Payout"] == "3.00"


def test_shares_of_categories_are_rounded_once_after_the_exchange() -> None:
    tracker, partner = make_tracker(), make_partner(currency="EUR")
    make_rate("USD", "EUR", "0.9")
    term = make_term(tracker, partner, "1%")
    pay(term, "Watches", "0.5%")
    pay(term, "Hats", "0.01")
    items = [
        {"Sku": "A", "Category": "Watches", "SubTotal": "1.00"},  # 0.0045
        {"Sku": "B", "SubTotal": "1.00"},  # 0.009
        {"Sku": "C", "Category": "Hats", "SubTotal": "0"},  # 0.01
    ]
    assert record_action(tracker, partner, Items=items).parameters["Payout"] == "0.02"


def test_a_new_payout_for_a_category_counts_at_once() -> None:
    tracker, partner = make_tracker(), make_partner()
    term = make_term(tracker, partner, "8%")
    assert record_action(tracker, partner, Items=ITEMS[:1]).parameters["Payout"] == "8.00"
    pay(term, "Watches", "5%")
    event = record_action(tracker, partner, Items=ITEMS[:1])
    assert event.parameters["Payout"] == "5.00"
    assert ActionEvent.objects.count() == 2


def test_a_category_is_named_once() -> None:
    term = make_term(make_tracker())
    pay(term, "Watches", "5%")
    again = CategoryPayout(contract_term=term, category="watches", payout_type="flat", payout=1)
    with pytest.raises(ValidationError, match="The term has a payout for this category already"):
        again.full_clean()


def test_the_configuration_file_knows_them_and_loads_back() -> None:
    tracker, partner = make_tracker(), make_partner()
    contract = make_contract(partner, tracker.program)
    make_term(tracker, partner, contract=contract)
    scheduled = make_term(tracker, partner, contract=contract, start=date(2026, 11, 10), end=date(2026, 11, 20))
    pay(scheduled, "Watches", "5%")
    dumped = dump_config()
    assert load_config(dumped, prune=True).changes == []

    later = dumped.replace("2026-11-20", "2026-11-30").replace("5%", "6%")
    assert [str(change) for change in load_config(later).changes] == [
        f"~ contract term for {tracker} from 2026-11-10 of {contract}\n    end: 2026-11-20 -> 2026-11-30",
        (
            f"~ payout by category Watches of contract term for {tracker} from 2026-11-10 of {contract}\n"
            "    payout: '5%' -> '6%'"
        ),
    ]
    without = later.partition("        category_payouts:")[0]
    assert [change.sign for change in load_config(without, prune=True).changes] == ["-"]
    assert not CategoryPayout.objects.exists()
