"""Whom an action is credited to, and why; or why nobody."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from actions.models import Action, ActionEvent
from partners.models import ActionTracker, AttributionRule, Contract, Partner
from postbacks.why.credit import Told, credit_of, hidden_among
from tests.support.factories import make_contract, make_partner, make_term, make_tracker, record_action

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare() -> Partner:
    """Without a contract."""
    return make_partner(name="Rhine")


def told(event: ActionEvent, *, personal: bool = True) -> Told:
    return credit_of(Action.objects.get(pk=event.action_id), personal=personal)


def make_rule(partner: Partner, key: str = "promo_code", value: str = "HARBOR10", **fields: Any) -> AttributionRule:
    return AttributionRule.objects.create(partner=partner, key=key, value=value, **fields)


def test_a_partner_whom_the_report_named(tracker: ActionTracker, bare: Partner) -> None:
    make_term(tracker, bare)
    found = told(record_action(tracker, bare))
    assert found.reasons == [f"Credited to {bare}, whom the report named."]
    assert (found.today, found.links) == ("", [])


def test_a_partner_whom_a_rule_knows(tracker: ActionTracker, bare: Partner) -> None:
    make_term(tracker, bare)
    make_rule(bare)
    found = told(record_action(tracker, PromoCode="harbor10"))
    assert found.reasons == [f"Credited to {bare}, whom an attribution rule knows by the promo code HARBOR10."]


def test_a_customer_by_whom_a_partner_is_known_is_not_named_to_those_who_may_not_see_it(
    tracker: ActionTracker, bare: Partner
) -> None:
    make_term(tracker, bare)
    make_rule(bare, "customer_id", "C-4711")
    event = record_action(tracker, CustomerId="C-4711")
    assert told(event).reasons == [f"Credited to {bare}, whom an attribution rule knows by the customer id C-4711."]
    assert told(event, personal=False).reasons == [
        f"Credited to {bare}, whom an attribution rule knows by the customer id."
    ]


def test_nobody_without_a_click_or_a_code(tracker: ActionTracker, settings: Any) -> None:
    event = record_action(tracker)
    (only,) = told(event).reasons
    assert "named no partner, and no click id, promo code" in only
    settings.PERSONAL_DATA_KEPT_DAYS = 60
    Action.objects.filter(pk=event.action_id).update(created_at=timezone.now() - timedelta(days=61))
    assert told(event).reasons[1].endswith("it is kept 60 days.")


def test_nobody_for_a_code_that_no_rule_knows_and_what_a_rule_says_today(tracker: ActionTracker, bare: Partner) -> None:
    event = record_action(tracker, PromoCode="HARBOR10")
    found = told(event)
    assert found.reasons[1:] == ["No rule knows the promo code HARBOR10."]
    assert [link.text for link in found.links] == ["Add a rule"]
    make_rule(bare)
    assert told(event).today == f"Today a rule gives the promo code HARBOR10 to {bare}."


def test_nobody_for_a_rule_of_another_time(tracker: ActionTracker, bare: Partner) -> None:
    make_rule(bare, start=date(2026, 1, 1), end=date(2026, 3, 31))
    found = told(record_action(tracker, PromoCode="HARBOR10"))
    assert found.reasons[1].endswith(f"{bare} from 2026-01-01 to 2026-03-31.")


def test_nobody_for_a_partner_who_does_not_exist(tracker: ActionTracker) -> None:
    found = told(record_action(tracker, MediaPartnerId="987654"))
    assert "the report named the partner 987654" in found.reasons[0]


def test_a_partner_who_is_not_active_and_what_today_would_be(tracker: ActionTracker, bare: Partner) -> None:
    make_term(tracker, bare)
    bare.active = False
    bare.save()
    event = record_action(tracker, bare)
    assert "was not active" in told(event).reasons[1]
    assert "It was switched off on " in told(event).reasons[1]
    bare.active = True
    bare.save()
    assert told(event).today.startswith("Today the partner is active: it was activated on ")


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        ({"start": date(2020, 1, 1), "end": date(2026, 10, 31)}, "covered 2026-11-20: one ended on 2026-10-31."),
        ({"start": date(2027, 1, 1)}, "covered 2026-11-20: one begins on 2027-01-01."),
        (None, "had no contract with the program"),
    ],
    ids=["ended", "not begun", "none"],
)
def test_a_partner_whose_contract_does_not_cover_the_day(
    tracker: ActionTracker, bare: Partner, contract: dict[str, Any] | None, words: str
) -> None:
    if contract is not None:
        make_term(tracker, bare, contract=make_contract(bare, tracker.program, **contract))
    found = told(record_action(tracker, bare))
    assert words in found.reasons[1]
    assert [link.text for link in found.links] == ["The contract" if contract else "Add a contract"]


def test_a_contract_that_was_made_longer_since_is_told(tracker: ActionTracker, bare: Partner) -> None:
    contract: Contract = make_contract(bare, tracker.program, end=date(2026, 10, 31))
    make_term(tracker, bare, contract=contract)
    event = record_action(tracker, bare)
    contract.end = None
    contract.save()
    found = told(event)
    assert found.reasons[1].endswith("covered 2026-11-20.")
    assert found.today.startswith("Today a contract term covers such an action, since a change on ")


@pytest.mark.usefixtures("history")
def test_a_contract_without_a_term_for_the_event_type_offers_one(tracker: ActionTracker, bare: Partner) -> None:
    make_term(make_tracker(tracker.program), bare)
    event = record_action(tracker, bare)
    found = told(event)
    assert f"had no term for the event type {tracker} on 2026-11-20" in found.reasons[1]
    add = next(link for link in found.links if link.text == "Add a term")
    contract = Contract.objects.get(partner=bare)
    assert add.query == {"contract": contract.pk, "action_tracker": tracker.pk}
    make_term(tracker, bare)
    assert told(event).today.startswith("Today a contract term covers such an action, since a change on ")


def test_over_the_months_limit_is_told_apart_from_firing(tracker: ActionTracker, bare: Partner) -> None:
    make_term(tracker, bare, payout="5", monthly_action_limit=1)
    record_action(tracker, bare)
    found = told(record_action(tracker, bare))
    assert found.reasons[1] == (
        "It pays nothing, because the month's limit of actions of its contract term was reached. "
        "Postbacks fire all the same."
    )


def test_the_wrong_partner_is_named_with_the_right_one() -> None:
    """Another partner's rule came first: the click decides before the code."""
    tracker = make_tracker()
    clicked, coded = make_partner(name="Nile"), make_partner(name="Rhine")
    make_term(tracker, clicked)
    make_rule(clicked, "click_id", "Xy7")
    make_rule(coded)
    found = told(record_action(tracker, ClickId="Xy7", PromoCode="HARBOR10"))
    assert found.reasons == [f"Credited to {clicked}, whom an attribution rule knows by the click id Xy7."]


def test_what_the_event_type_hides_is_named_where_there_is_something_to_hide(tracker: ActionTracker) -> None:
    tracker.hidden_parameters = ["CustomerId", "Text1"]
    tracker.save()
    event = record_action(tracker, Text1="secret")
    action = Action.objects.get(pk=event.action_id)
    assert hidden_among(action, [event]) == ["The event type hides Text1: postbacks carry them empty."]
    assert hidden_among(action, [ActionEvent(parameters={})]) == []
