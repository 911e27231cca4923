"""Two users have the same form open: the later Save undoes nothing silently, and a double click saves once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import models
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.roles.table import Role
from accounts.roles.users import create_user
from actions.api.tokens import create_token
from partners.models import ActionTracker, AttributionRule, CategoryPayout, ContractTerm, Partner
from postbacks.lifecycle import pause, resume
from postbacks.models import Postback
from tests.portal.opened import make_link
from tests.support.channels import make_channel
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
    record_change,
)
from tests.support.typed_forms import typed

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Form:
    """How to make its row, and a field with what one user and the other type in it."""

    make: Callable[[], models.Model]
    field: str
    theirs: str
    mine: str


def _term() -> Any:
    return make_term(make_tracker(make_program(name="Summit"), name="Sale"), make_partner(name="Compass"))


def _postback() -> Postback:
    term = _term()
    return make_postback(term.action_tracker, term.contract.partner, name="Sales")


def _in_app_event() -> Any:
    return make_tracker(make_program(), in_app_events=["SALE"]).in_app_events.get()


def _payout() -> Any:
    payout: Any = CategoryPayout.objects.create(
        contract_term=_term(), category="Shoes", payout_type=ContractTerm.PayoutType.FLAT, payout=Decimal(3)
    )
    return payout.contract_term


def _rule() -> Any:
    return AttributionRule.objects.create(key="promo_code", value="HARBOR10", partner=make_partner())


FORMS = {
    "partners.program": Form(lambda: make_program(name="Summit"), "name", "Peak", "Top"),
    "partners.partner": Form(lambda: make_partner(name="Compass"), "name", "Harbor", "Anchor"),
    "partners.contract": Form(lambda: _term().contract, "end", "2031-01-01", "2032-01-01"),
    "partners.contractterm": Form(_term, "payout", "7", "9"),
    "partners.actiontracker": Form(lambda: make_tracker(make_program(), name="Sale"), "name", "Order", "Lead"),
    "partners.inappevent": Form(_in_app_event, "code", "LEVEL", "SIGNUP"),
    "partners.exchangerate": Form(lambda: make_rate("EUR", "USD", "1.08"), "rate", "1.09", "1.10"),
    "partners.attributionrule": Form(_rule, "value", "HARBOR20", "HARBOR30"),
    "optimize_sources.mediasource": Form(lambda: make_media_source(name="Ledger"), "name", "Folio", "Tally"),
    "postbacks.postback": Form(_postback, "url", "https://theirs.example/", "https://mine.example/"),
    "portal.partnerlink": Form(lambda: make_link(make_partner()), "name", "Engineer", "Developer"),
    "actions.apitoken": Form(lambda: create_token("Shop")[0], "name", "Store", "Till"),
    "notices.channel": Form(lambda: make_channel(name="Office"), "name", "Alarm", "Digest"),
    "auth.user": Form(lambda: User.objects.create_user("eve"), "email", "eve@theirs.example", "eve@mine.example"),
    "auth.group": Form(lambda: Group.objects.create(name="Auditors"), "name", "Readers", "Watchers"),
}
_IN_TABLES = {
    "partners.program": (
        lambda: make_tracker(make_program(), name="Sale").program,
        "action_trackers-0-name",
        "Order",
        "Lead",
    ),
    "partners.partner": (lambda: _term().contract.partner, "contracts-0-end", "2031-01-01", "2032-01-01"),
    "partners.contract": (lambda: _term().contract, "terms-0-payout", "7", "9"),
    "partners.contractterm": (_payout, "category_payouts-0-payout", "4", "5"),
    "partners.actiontracker": (lambda: _in_app_event().action_tracker, "in_app_events-0-code", "LEVEL", "SIGNUP"),
}
WALK = [
    *((label, form) for label, form in sorted(FORMS.items())),
    *((label, Form(*values)) for label, values in sorted(_IN_TABLES.items())),
]


def user(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(name))
    return client


def change_url(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))


def open_form(client: Client, row: models.Model) -> dict[str, Any]:
    return typed(client.get(change_url(row)).content.decode(), f"{row._meta.model_name}_form")


@pytest.mark.parametrize(("label", "form"), WALK, ids=[f"{label} {form.field}" for label, form in WALK])
def test_what_somebody_saved_meanwhile_is_shown_and_not_undone(label: str, form: Form) -> None:
    row = form.make()
    assert row._meta.label_lower == label
    ada, bob = user("ada"), user("bob")
    mine, theirs = open_form(ada, row), open_form(bob, row)
    assert form.field in mine

    saved = bob.post(change_url(row), theirs | {form.field: form.theirs})
    assert saved.status_code == 302, saved.context["errors"]
    answer = ada.post(change_url(row), mine | {form.field: form.mine})

    page = answer.content.decode()
    assert "Not saved: somebody has changed this" in page
    assert "bob" in page
    assert open_form(bob, row)[form.field][0].startswith(form.theirs)
    again = typed(page, f"{row._meta.model_name}_form")
    assert again[form.field] == [form.mine]
    assert "Not saved" in ada.post(change_url(row), again).content.decode()

    over = again | {"save_over": answer.context["conflict"].now}
    assert ada.post(change_url(row), over).status_code == 302
    assert open_form(ada, row)[form.field][0].startswith(form.mine)


def test_each_form_is_walked() -> None:
    """A form that is added later must be, too."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_active=True)
    forms = {
        model._meta.label_lower for model, page in admin.site._registry.items() if page.has_change_permission(request)
    }
    assert forms - {"postbacks.replay"} == set(FORMS)  # A replay has a page of buttons.
    with_tables = {
        model._meta.label_lower
        for model, page in admin.site._registry.items()
        if any(inline(model, admin.site).has_change_permission(request) for inline in page.inlines)
    }
    assert with_tables == set(_IN_TABLES)


def test_the_same_change_twice_and_a_form_that_changes_nothing_are_no_conflict() -> None:
    row = make_partner(name="Compass")
    ada, bob = user("ada"), user("bob")
    mine, theirs = open_form(ada, row), open_form(bob, row)
    bob.post(change_url(row), theirs | {"name": "Harbor"})

    assert ada.post(change_url(row), mine | {"name": "Harbor"}).status_code == 302


def test_a_mistake_in_the_form_does_not_forget_what_it_was_opened_with() -> None:
    row = make_partner(name="Compass")
    ada, bob = user("ada"), user("bob")
    mine, theirs = open_form(ada, row), open_form(bob, row)
    wrong = ada.post(change_url(row), mine | {"name": ""}).content.decode()
    bob.post(change_url(row), theirs | {"currency": "EUR"})

    answer = ada.post(change_url(row), typed(wrong, "partner_form") | {"name": "Anchor"})

    assert "Not saved: somebody has changed this" in answer.content.decode()
    assert Partner.objects.get().currency == "EUR"


def test_a_second_change_meanwhile_is_shown_too() -> None:
    """Saving over what was shown does not save over what came after it."""
    row = make_partner(name="Compass")
    ada, bob = user("ada"), user("bob")
    mine = open_form(ada, row)
    bob.post(change_url(row), open_form(bob, row) | {"name": "Harbor"})
    answer = ada.post(change_url(row), mine | {"name": "Anchor"})
    bob.post(change_url(row), open_form(bob, row) | {"name": "Haven"})

    last = ada.post(change_url(row), mine | {"name": "Anchor", "save_over": answer.context["conflict"].now})

    assert "Haven" in last.content.decode()
    assert Partner.objects.get().name == "Haven"


def test_a_secret_that_changed_is_told_but_not_shown() -> None:
    row = _postback()
    ada, bob = user("ada"), user("bob")
    mine, theirs = open_form(ada, row), open_form(bob, row)
    bob.post(change_url(row), theirs | {"secret_headers": "Authorization: Bearer of-bob"})

    page = ada.post(change_url(row), mine | {"secret_headers": "Authorization: Bearer of-ada"}).content.decode()

    assert "Secret headers" in page
    assert "of-bob" not in page
    assert "Bearer of-ada" in page


def test_a_pause_meanwhile_is_neither_undone_nor_in_the_way() -> None:
    row = _postback()
    ada = user("ada")
    mine = open_form(ada, row)
    pause(Postback.objects.get(pk=row.pk))

    assert ada.post(change_url(row), mine | {"name": "Renamed"}).status_code == 302

    row.refresh_from_db()
    assert (row.name, row.paused_at is None) == ("Renamed", False)


def test_save_that_is_clicked_twice_adds_one_row() -> None:
    ada = user("ada")
    url = reverse("admin:partners_partner_add")
    form = typed(ada.get(url).content.decode(), "partner_form") | {"name": "Compass", "currency": "USD"}

    first, second = ada.post(url, form), ada.post(url, form)

    assert (first.status_code, second.status_code) == (302, 302)
    assert Partner.objects.count() == 1
    other = typed(ada.get(url).content.decode(), "partner_form") | {"name": "Harbor", "currency": "USD"}
    assert ada.post(url, other).status_code == 302
    assert Partner.objects.count() == 2


def test_a_viewer_sees_no_state_and_changes_nothing() -> None:
    create_user("vera", Role.VIEWER)
    vera = Client()
    vera.force_login(User.objects.get(username="vera"))
    row = make_tracker(make_program(), name="Sale")

    page = vera.get(change_url(row)).content.decode()

    assert "opened_with" not in page
    assert vera.post(change_url(row), {"opened_with": "x.1", "name": "Mine"}).status_code == 403
    assert ActionTracker.objects.get().name == "Sale"


def test_the_history_keeps_the_name_of_the_form_and_no_more_of_it() -> None:
    ada = user("ada")
    url = reverse("admin:partners_partner_add")
    form = typed(ada.get(url).content.decode(), "partner_form") | {"name": "Compass", "currency": "USD"}
    ada.post(url, form)

    entry = LogEntry.objects.get_for_object(Partner.objects.get()).get()
    assert entry.additional_data == {"by": "ada", "form": form["form_id"][0]}


def test_buttons_undo_nothing_that_came_after_their_page() -> None:
    """Bob resumed and paused again, for a reason of his own; Ada's Resume was for the pause before."""
    row = _postback()
    pause(row)
    ada = user("ada")
    seen = row.paused_at.isoformat() if row.paused_at else ""
    resume(row)
    pause(row)

    page = ada.post(reverse("admin:postbacks_postback_resume", args=(row.pk,)), {"seen": seen}, follow=True)

    assert "was left as it is: somebody has paused or resumed it" in page.content.decode()
    row.refresh_from_db()
    assert row.paused_at is not None
    ada.post(reverse("admin:postbacks_postback_resume", args=(row.pk,)), {"seen": row.paused_at.isoformat()})
    row.refresh_from_db()
    assert row.paused_at is None


def test_a_key_that_somebody_has_just_made_is_not_replaced() -> None:
    row = _postback()
    ada, bob = user("ada"), user("bob")
    url = reverse("admin:postbacks_postback_signing", args=(row.pk,))
    mine, theirs = ada.get(url).context["seen"], bob.get(url).context["seen"]
    bob.post(url, {"renew": "1", "overlap": "0", "seen": theirs})
    key = Postback.objects.get().signing_key

    page = ada.post(url, {"renew": "1", "overlap": "0", "seen": mine}, follow=True).content.decode()

    assert "somebody has changed it since you opened the page" in page
    assert Postback.objects.get().signing_key == key


def test_an_action_is_not_changed_over_an_event_that_its_page_did_not_show() -> None:
    term = _term()
    event = record_action(term.action_tracker, term.contract.partner, Amount="10.00")
    ada = user("ada")
    url = reverse("admin:actions_action_change_by_hand", args=(event.action.pk,))
    seen = ada.get(url).context["seen"]
    record_change(event, "modified", Amount="20.00")

    answer = ada.post(url, {"event": "modified", "amount": "5.00", "reason": "", "seen": seen})

    assert "Not changed: another event has come" in answer.content.decode()
    assert event.action.events.count() == 2
    again = {"event": "modified", "amount": "5.00", "reason": "", "seen": answer.context["seen"]}
    assert ada.post(url, again).status_code == 302
    assert event.action.events.count() == 3
