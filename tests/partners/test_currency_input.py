"""Currencies are chosen from those that there are; those that rows have already stay."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from partners.models import ExchangeRate, Partner, Program
from tests.support.factories import make_partner, make_program

pytestmark = pytest.mark.django_db

PROGRAM = reverse("admin:partners_program_add")
NO_ROWS = {"action_trackers-TOTAL_FORMS": "0", "action_trackers-INITIAL_FORMS": "0"}


def add_program(client: Client, currency: str) -> str:
    """The page that answers, or nothing where it is saved."""
    fields = {"name": "Summit", "currency": currency, "early_changes_minutes": "60", **NO_ROWS}
    answer = client.post(PROGRAM, fields)
    return "" if answer.status_code == 302 else answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "saved"), [("EUR", "EUR"), (" eur ", "EUR"), ("Euro", "EUR"), ("swiss franc", "CHF")]
)
def test_a_currency_is_typed_by_its_code_or_its_name(root: Client, typed: str, saved: str) -> None:
    assert add_program(root, typed) == ""
    assert Program.objects.get().currency == saved


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("EUO", "EUR (Euro)"),
        ("Eurro", "EUR (Euro)"),
        ("12", "A code has three letters"),
        ("XXX", "There is no currency “XXX”"),
        ("€", "There is no currency “€”"),
        ("<b>", "“&lt;b&gt;”"),
        ("", "This field is required"),
    ],
)
def test_what_is_no_currency_is_refused_with_the_nearest(root: Client, typed: str, said: str) -> None:
    assert said in add_program(root, typed)
    assert not Program.objects.exists()


@pytest.mark.parametrize("page", ["program", "partner", "exchangerate"])
def test_every_form_offers_the_list(root: Client, page: str) -> None:
    content = root.get(reverse(f"admin:partners_{page}_add")).content.decode()

    assert content.count('<option value="EUR">Euro</option>') == (2 if page == "exchangerate" else 1)


def test_what_a_row_has_already_stays_valid_and_is_offered(root: Client) -> None:
    partner = make_partner(currency="ZWD")
    page = reverse("admin:partners_partner_change", args=(partner.pk,))
    fields = {"name": "Renamed", "active": "on", "contracts-TOTAL_FORMS": "0", "contracts-INITIAL_FORMS": "0"}

    assert '<option value="ZWD">as it is</option>' in root.get(page).content.decode()
    assert root.post(page, {**fields, "currency": "ZWD"}).status_code == 302
    assert Partner.objects.get().name == "Renamed"
    assert "There is no currency “DEM”" in root.post(page, {**fields, "currency": "DEM"}).content.decode()


def test_rates_take_two_of_the_list(root: Client) -> None:
    page = reverse("admin:partners_exchangerate_add")
    fields = {"from_currency": "EUR", "to_currency": "usd", "rate": "1.08", "date": "2026-11-01"}

    assert root.post(page, {**fields, "from_currency": "QQQ"}).status_code == 200
    assert root.post(page, fields).status_code == 302
    assert ExchangeRate.objects.values_list("from_currency", "to_currency").get() == ("EUR", "USD")
    assert make_program(currency="USD").currency == "USD"
