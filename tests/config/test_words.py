"""The pages speak our language: titles say what a page shows, and none has a stock phrase of what it is made with."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, override_settings
from django.urls import reverse

from tests.support.addresses import make_a_row_of_each
from tests.support.factories import make_media_source, make_partner, make_term, make_tracker

pytestmark = pytest.mark.django_db

STOCK = (
    *("yielded into no results", "No results found", "Reset filters", "Lanes", "Log entries", "Log entry", "Audit log"),
    *("to change | ", "to view | ", "Select partner", "Select user", "Select action"),
    *("Site administration", "Django", "Welcome back", "Authentication and Authorization", "Object representation"),
    *("successfully logged out", "quality time", "Log in", "Log out", "staff account", "Set up and watch", "Timestamp"),
    *("Recent actions", "Return to site", "View site", "Celery", "Unfold", "None available", "administration"),
    *("so we can verify you typed it", "__all__"),
)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
TRAIL = re.compile(r'<nav aria-label="Breadcrumbs"[^>]*>(.*?)</nav>', re.DOTALL)


def words(content: str) -> str:
    """What a person sees of the page, and its title, in one line."""
    shown = re.sub(r"(?s)<(script|style|template)\b.*?</\1>|<!--.*?-->", " ", content)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown.replace("</title>", " | "))).split())


def title(content: str) -> str:
    found = TITLE.search(content)
    return " ".join(unescape(found[1]).split()) if found else ""


def trail(content: str) -> str:
    """The breadcrumbs."""
    found = TRAIL.search(content)
    return words(found[1]).replace(" chevron_right ", " > ") if found else ""


def pages(model: type[Model]) -> list[str]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    key = model._default_manager.order_by("pk").values_list("pk", flat=True)[0]
    listed = reverse(f"{name}_changelist")
    return [listed, f"{listed}?q=zzzzz", *(reverse(f"{name}_{page}", args=(key,)) for page in ("change", "delete"))]


def test_no_page_has_a_stock_phrase(root: Client) -> None:
    make_a_row_of_each()
    own = ["/admin/", "/admin/search/?q=zz", "/admin/time-zone/", "/admin/password_change/", "/nothing/"]
    own += [reverse("admin:app_list", args=(label,)) for label in {m._meta.app_label for m in admin.site._registry}]
    own += [path for model in admin.site._registry for path in pages(model)]

    found = {}
    for path in own:
        answer = root.get(path)
        text = words(answer.content.decode()) if answer.status_code in (200, 404) else ""
        found[path] = [phrase for phrase in STOCK if phrase in text]

    assert {path: phrases for path, phrases in found.items() if phrases} == {}
    assert len(found) > 80


@pytest.mark.parametrize(
    ("path", "expected_title", "expected_trail"),
    [
        ("/admin/", "Dashboard", "Dashboard"),
        ("/admin/partners/partner/", "Partners", "Engage > Partners"),
        ("/admin/partners/partner/add/", "Add partner", "Engage > Partners > Add partner"),
        ("/admin/postbacks/lane/", "Held destinations", "Postbacks > Held"),
        ("/admin/postbacks/delivery/", "Delivery log", "Postbacks > Delivery log"),
        ("/admin/postbacks/postback/", "Postbacks", "Postbacks > All postbacks"),
        ("/admin/auth/group/", "Roles", "Settings > Roles"),
        (
            "/admin/partners/inappevent/add/",
            "Add in-app event",
            "Event types > In-app events > Add in-app event",
        ),
        ("/admin/partners/contractterm/", "Contract terms", "Engage > Contracts > Contract terms"),
    ],
)
def test_a_page_is_called_what_it_shows(root: Client, path: str, expected_title: str, expected_trail: str) -> None:
    content = root.get(path).content.decode()

    assert title(content) == f"{expected_title} | Partner Postbacks"
    assert trail(content) == expected_trail


def test_adding_a_postback_stays_with_its_owner_after_a_mistake_too(root: Client) -> None:
    partner, network = make_partner(name="Compass"), make_media_source(name="Ledger")
    make_term(make_tracker(), partner)
    add = reverse("admin:postbacks_postback_add")
    of_partner = "Partners > Compass > Partner Integration > Add postback"

    assert trail(root.get(f"{add}?partner={partner.pk}").content.decode()) == of_partner
    refused = root.post(f"{add}?partner={partner.pk}", {"url": "no url"})
    assert refused.status_code == 200
    assert trail(refused.content.decode()) == of_partner
    of_network = "Networks > Ledger > Event Notifications > Add postback"
    assert trail(root.get(f"{add}?media_source={network.pk}").content.decode()) == of_network


def test_who_has_no_role_is_told_how_to_get_one(client: Client) -> None:
    client.force_login(User.objects.create_user("ada", is_staff=True))

    text = words(client.get("/admin/").content.decode())

    assert "You have no role yet" in text
    assert "An administrator can give you one: under Users, on the page of ada" in text


@override_settings(AXES_ENABLED=False)
def test_signing_in_and_out_is_told_in_our_words() -> None:
    User.objects.create_user("ada", is_staff=True, password="four words of nothing")
    client = Client(enforce_csrf_checks=False)

    ended = words(client.get("/admin/partners/partner/", follow=True).content.decode())
    wrong = words(client.post("/admin/login/", {"username": "ada", "password": "x"}).content.decode())
    client.force_login(User.objects.get())
    out = words(client.post("/admin/logout/").content.decode())

    assert "Your session has ended, or you have not signed in yet." in ended
    assert "No active user has this name with this password." in wrong
    assert "Your session has ended" not in words(Client().get("/admin/login/").content.decode())
    assert "You are signed out of this browser." in out
    assert "Sign in again" in out
    for text in (ended, wrong, out):
        assert [phrase for phrase in STOCK if phrase in text] == []


def test_a_form_without_its_token_says_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {})

    assert answer.status_code == 403
    assert "The form has expired" in words(answer.content.decode())
    assert "To the dashboard" in words(answer.content.decode())
