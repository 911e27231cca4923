"""Adding a partner with its contract and term, and contracts that would have no term."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from partners.models import ActionTracker, Contract, ContractTerm, Partner
from tests.support.factories import make_contract, make_partner, make_program, make_term, make_tracker

pytestmark = pytest.mark.django_db
ADD = "/admin/partners/partner/add/"


def typed(tracker: ActionTracker, **fields: Any) -> dict[str, Any]:
    """What is typed for a partner with a contract and a term of 10 %; None leaves a field out."""
    given = {
        "name": "Compass",
        "currency": "EUR",
        "active": "on",
        "program": tracker.program_id,
        "start": "2026-03-01",
        "event_type": tracker.pk,
        "payout_type": "percentage",
        "payout": "10",
        **fields,
    }
    return {name: value for name, value in given.items() if value is not None}


def test_partner_contract_and_term_are_saved_and_the_partners_page_follows(
    root: Client, tracker: ActionTracker
) -> None:
    answer = root.post(ADD, typed(tracker))
    partner = Partner.objects.get()
    assert answer.headers["Location"] == reverse("admin:partners_partner_partner_integration", args=(partner.pk,))
    term = ContractTerm.objects.get()
    assert (term.contract.partner, term.contract.program, term.action_tracker) == (partner, tracker.program, tracker)
    assert (str(term.contract.start), term.payout_display) == ("2026-03-01", "10%")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"currency": "eura"}, "currency"),
        ({"start": ""}, "start"),
        ({"start": "soon"}, "start"),
        ({"program": "77777"}, "program"),
        ({"event_type": ""}, "event_type"),
        ({"event_type": "", "payout": ""}, "event_type"),
        ({"event_type": "77777"}, "event_type"),
        ({"payout_type": ""}, "payout_type"),
        ({"payout": ""}, "payout"),
        ({"payout": "-1"}, "payout"),
        ({"payout": "1e30"}, "payout"),
        ({"program": ""}, "program"),
    ],
)
def test_what_is_wrong_saves_nothing_and_is_said_at_its_field(
    root: Client, tracker: ActionTracker, fields: dict[str, str], field: str
) -> None:
    answer = root.post(ADD, typed(tracker, **fields))
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert (Partner.objects.count(), Contract.objects.count()) == (0, 0)


def test_an_event_type_of_another_program_is_refused(root: Client, tracker: ActionTracker) -> None:
    answer = root.post(ADD, typed(tracker, program=make_program().pk))
    assert "belongs to another program" in answer.content.decode()
    assert not Partner.objects.exists()


def test_without_a_program_only_the_partner_is_saved(root: Client, tracker: ActionTracker) -> None:
    root.post(ADD, typed(tracker, program="", event_type="", payout=""))
    assert (Partner.objects.count(), Contract.objects.count()) == (1, 0)


def test_who_may_not_add_contracts_adds_a_partner_alone(client: Client, tracker: ActionTracker) -> None:
    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_partner", "view_partner"]))
    client.force_login(user)
    assert "event_type" not in client.get(ADD).content.decode()
    client.post(ADD, typed(tracker))
    assert (Partner.objects.count(), Contract.objects.count()) == (1, 0)


def contract_fields(tracker: ActionTracker, **fields: str) -> dict[str, str]:
    no_terms = {"terms-TOTAL_FORMS": "0", "terms-INITIAL_FORMS": "0"}
    return (
        {"partner": str(make_partner().pk), "program": str(tracker.program_id), "start": "2026-03-01"}
        | no_terms
        | fields
    )


def test_a_contract_without_a_term_is_saved_only_where_that_is_ticked(root: Client, tracker: ActionTracker) -> None:
    add = reverse("admin:partners_contract_add")
    fields = contract_fields(tracker)

    assert "The contract has no term" in root.post(add, fields).content.decode()
    assert not Contract.objects.exists()
    root.post(add, {**fields, "without_terms": "on"})

    contract = Contract.objects.get()
    change = reverse("admin:partners_contract_change", args=(contract.pk,))
    assert "The contract has no term" in root.post(change, fields).content.decode()
    make_term(tracker, contract=contract)
    assert "without_terms" not in root.get(change).content.decode()


def test_a_contract_offers_the_event_types_of_its_program(root: Client, tracker: ActionTracker) -> None:
    other = make_tracker(name="Of another program")
    contract = make_contract(make_partner(), tracker.program)
    term = make_term(tracker, contract=contract)

    for page in (
        reverse("admin:partners_contract_change", args=(contract.pk,)),
        f"{reverse('admin:partners_contract_add')}?program={tracker.program_id}",
        reverse("admin:partners_contractterm_change", args=(term.pk,)),
        f"{reverse('admin:partners_contractterm_add')}?contract={contract.pk}",
    ):
        text = root.get(page).content.decode()
        assert tracker.name in text, page
        assert other.name not in text, page


def test_long_names_are_cut_in_lists_of_choices(root: Client) -> None:
    tracker = make_tracker(make_program(name="P" * 200), name="E" * 200)
    text = root.get(ADD).content.decode()
    assert f"{'E' * 59}… ({tracker.pk})" in text
    assert "E" * 60 not in text
    assert "P" * 60 not in text
