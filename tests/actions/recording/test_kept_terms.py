"""An action keeps the currencies and terms of its time, whatever becomes of program, partner and term afterwards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from actions.models import Action, ActionEvent
from actions.recording.maturing import mature
from partners.models import ActionTracker, CategoryPayout, ContractTerm, Partner
from tests.support.factories import (
    make_partner,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

pytestmark = pytest.mark.django_db

ITEMS = [
    {"Sku": "A", "Category": "Hats", "SubTotal": "100.00"},
    {"Sku": "B", "SubTotal": "100.00"},
]


def amounts(event: ActionEvent) -> dict[str, str]:
    names = ("Amount", "DeltaAmount", "Currency", "Payout", "DeltaPayout", "PayoutCurrency")
    return {name: event.parameters.get(name, "") for name in names}


@pytest.fixture
def partner() -> Partner:
    return make_partner(currency="EUR")


@pytest.fixture
def tracker() -> ActionTracker:
    return make_tracker(make_program(currency="USD"))


@pytest.fixture
def term(tracker: ActionTracker, partner: Partner) -> ContractTerm:
    for source, target in (("USD", "EUR"), ("GBP", "EUR"), ("USD", "GBP")):
        make_rate(source, target, "0.5")
    return make_term(tracker, partner, "8%")


def as_of_an_earlier_release() -> None:
    """Actions as they were recorded before they kept anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE actions_action SET program_currency = NULL, partner_currency = NULL, term_figures = NULL,"
            " net_lines = NULL"
        )


def by_an_earlier_release(event: ActionEvent) -> ActionEvent:
    """The action of the event once more, inserted without the columns that an earlier release does not know."""
    new = ("order_discount", "program_currency", "partner_currency", "term_figures", "net_lines")
    columns = [each.attname for each in Action._meta.concrete_fields if each.attname not in ("id", "order_id", *new)]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO actions_action (order_id, {names}) SELECT order_id || '!', {names} FROM actions_action "  # noqa: S608 -- names of columns
            "WHERE id = %s RETURNING id",
            [event.action_id],
        )
        action = Action.objects.get(pk=cursor.fetchone()[0])
    return ActionEvent.objects.create(action=action, number=1, kind="created", parameters=event.parameters)


@pytest.mark.parametrize("release", ["this", "an earlier one", "an earlier one in the midst of a deployment"])
def test_a_new_currency_of_program_or_partner_is_for_new_actions(
    release: str, tracker: ActionTracker, partner: Partner, term: ContractTerm
) -> None:
    event = record_action(tracker, partner, Amount="100")
    if release == "an earlier one":
        as_of_an_earlier_release()
    elif release != "this":
        event = by_an_earlier_release(event)
    partner.currency = "USD"
    partner.save()
    tracker.program.currency = "GBP"
    tracker.program.save()
    old = record_change(event, "modified", Amount="50")
    assert amounts(old) == {
        "Amount": "50.00",
        "DeltaAmount": "-50.00",
        "Currency": "USD",
        "Payout": "2.00",
        "DeltaPayout": "-2.00",
        "PayoutCurrency": "EUR",
    }
    make_rate("GBP", "USD", "2")
    new = amounts(record_action(tracker, partner, Amount="100"))
    assert (new["Amount"], new["Currency"], new["Payout"], new["PayoutCurrency"]) == ("100.00", "GBP", "16.00", "USD")
    # And once more: the first change is not forgotten by the second.
    Partner.objects.filter(pk=partner.pk).update(currency="GBP")
    assert amounts(record_change(old, "modified", Amount="100"))["Payout"] == "4.00"


def test_a_row_that_was_read_before_the_change_is_saved_without_forgetting(
    tracker: ActionTracker, partner: Partner, term: ContractTerm
) -> None:
    event = record_action(tracker, partner, Amount="100")
    as_of_an_earlier_release()
    stale = Partner.objects.get(pk=partner.pk), ContractTerm.objects.get(pk=term.pk)
    Partner.objects.filter(pk=partner.pk).update(currency="USD")
    ContractTerm.objects.filter(pk=term.pk).update(payout=Decimal(50))
    for row in stale:
        row.save()
    assert amounts(record_change(event, "modified", Amount="50"))["Payout"] == "2.00"


@pytest.mark.parametrize("kind", ["restored", "locked", "cleared"])
def test_the_other_events_of_an_action_keep_its_currencies(
    kind: str, tracker: ActionTracker, partner: Partner, term: ContractTerm
) -> None:
    event = record_action(tracker, partner, Amount="100", EventDate="2020-01-01")
    if kind == "restored":
        record_change(event, "reversed")
    Partner.objects.filter(pk=partner.pk).update(currency="USD")
    ContractTerm.objects.filter(pk=term.pk).update(payout=Decimal(50))
    if kind == "restored":
        record_change(event, "restored")
    else:
        mature(60)
    latest = event.action.events.get(kind=kind)
    found = amounts(latest)
    assert (found["Payout"], found["PayoutCurrency"]) == ("4.00", "EUR")


@pytest.mark.parametrize("release", ["this", "an earlier one", "an earlier one in the midst of a deployment"])
@pytest.mark.parametrize("change", ["percentage", "flat", "category", "no category", "new category", "renamed"])
def test_an_edited_term_is_for_new_actions(
    change: str, release: str, tracker: ActionTracker, partner: Partner, term: ContractTerm
) -> None:
    hats = CategoryPayout.objects.create(
        contract_term=term, category="Hats", payout_type="percentage", payout=Decimal(20)
    )
    event = record_action(tracker, partner, Items=ITEMS)
    assert event.parameters["Payout"] == "14.00", "8 of 100 and 20 of 100 dollars, in euros"
    if release == "an earlier one":
        as_of_an_earlier_release()
    elif release != "this":
        event = by_an_earlier_release(event)
    match change:
        case "percentage":
            ContractTerm.objects.filter(pk=term.pk).update(payout=Decimal(50))
        case "flat":
            term.payout_type = "flat"
            term.save()
        case "category":
            hats.payout = Decimal(90)
            hats.save()
        case "no category":
            hats.delete()
        case "new category":
            CategoryPayout.objects.create(contract_term=term, category="", payout_type="flat", payout=Decimal(7))
        case _:
            CategoryPayout.objects.filter(pk=hats.pk).update(category="Shoes")

    later = record_change(event, "modified", Items=[{**line, "SubTotal": "200.00"} for line in ITEMS])
    assert later.parameters["Payout"] == "28.00"
    assert record_action(tracker, partner, Items=ITEMS).parameters["Payout"] != "14.00"


def test_a_term_whose_categories_are_written_first_keeps_nothing(term: ContractTerm) -> None:
    CategoryPayout.objects.create(contract_term=term, category="Hats", payout_type="flat", payout=Decimal(7))
    term.refresh_from_db()
    assert term.first_figures is None


def test_a_monthly_limit_counts_what_was_paid_in_its_currency(tracker: ActionTracker, partner: Partner) -> None:
    make_rate("USD", "EUR", "1")
    make_term(tracker, partner, "10%", monthly_payout_limit=Decimal("15.00"), monthly_action_limit=3)
    record_action(tracker, partner, Amount="100")
    Partner.objects.filter(pk=partner.pk).update(currency="USD")
    assert record_action(tracker, partner, Amount="100").parameters["Payout"] == "10.00"
    over = record_action(tracker, partner, Amount="100").action
    assert (over.payout, over.no_payout_reason) == (0, "OVERLIMIT_BUDGET")
    assert record_action(tracker, partner, Amount="50").action.payout == 5
    assert record_action(tracker, partner, Amount="1").action.no_payout_reason == "OVERLIMIT_ACTIONCAP"


def test_an_action_without_a_partner_has_no_currency_of_payouts(tracker: ActionTracker) -> None:
    event = record_action(tracker, Amount="100")
    assert "PayoutCurrency" not in event.parameters
    assert event.action.partner_currency == ""


def test_the_events_of_before_stay_as_they_were(tracker: ActionTracker, partner: Partner, term: ContractTerm) -> None:
    event = record_action(tracker, partner, Amount="100")
    before = ActionEvent.objects.get(pk=event.pk).parameters
    Partner.objects.filter(pk=partner.pk).update(currency="USD")
    ContractTerm.objects.filter(pk=term.pk).update(payout=Decimal(50), start=date(2026, 1, 1))
    record_change(event, "modified", Amount="50")
    assert ActionEvent.objects.get(pk=event.pk).parameters == before
