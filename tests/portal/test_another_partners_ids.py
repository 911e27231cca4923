"""Every address of the portal, asked for what is another's, and by who has not opened a link. A new page is asked too:
the addresses are those of `portal.urls`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from partners.models import ActionTracker, Partner
from portal.models import PartnerLink, Proposal
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.models import Delivery, Postback
from tests.portal.opened import make_attempt, make_link, path_of, token_in
from tests.support.addresses import patterns
from tests.support.factories import record_action
from tests.support.proposals import proposal_for

pytestmark = pytest.mark.django_db

NOBODYS = 777_000_777
THEIRS = {"postback": 777_000_001, "delivery": 777_000_002, "link": 777_000_003, "proposal": 777_000_004}
# What only they know.
TOLD = ("Secret plan", "Meridian", "SS-THEIRS", "meridian.example", "their engineer", "their answer", "their plea")
OPENING = {"open"}


@pytest.fixture
def theirs(others: Postback, tracker: ActionTracker) -> Delivery:
    """All that Meridian has, under ids that nobody else has."""
    Postback.objects.filter(pk=others.pk).update(deleted_at="2020-01-01T00:00Z")
    others.pk, others.name = THEIRS["postback"], "Secret plan."
    ensure_key(others)
    others.save(force_insert=True)
    assert others.partner is not None
    event = record_action(tracker, others.partner, OrderId="SS-THEIRS")
    Delivery.objects.filter(event=event).update(id=THEIRS["delivery"], state="failed", finished_at="2026-11-20T00:00Z")
    found = Delivery.objects.get(event=event)
    make_attempt(found, response_body="their answer")
    make_link(others.partner, name="their engineer", pk=THEIRS["link"])
    proposal = proposal_for(others, note="their plea")
    Proposal.objects.filter(pk=proposal.pk).update(id=THEIRS["proposal"], reason="their plea")
    return found


def addresses() -> Iterator[tuple[str, list[str]]]:
    """The name of each address, and what it is made of."""
    (portal,) = (each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "portal")
    assert isinstance(portal, URLResolver)
    for pattern in patterns(portal):
        if pattern.name and pattern.name not in OPENING:
            yield pattern.name, list(pattern.pattern.converters)


def path_to(name: str, given: list[str], key: object) -> str:
    return reverse(f"portal:{name}", kwargs=dict.fromkeys(given, key))


def everything() -> dict[str, Any]:
    """All rows of ours that hold something, but for what each visit writes."""
    ours = [apps.get_model(f"portal.{name}") for name in ("PartnerLink", "Proposal")]
    models = [*apps.get_app_config("postbacks").get_models(), *ours]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def asked(client: Client, path: str, method: str) -> Any:
    if method == "GET":
        return client.get(path)
    return client.post(path, {"token": token_in(client.get("/portal/"))})


def test_each_id_of_another_answers_as_one_that_nobody_has(
    visitor: Client, theirs: Delivery, postback: Postback
) -> None:
    before = everything()
    tried = 0
    for (name, given), method, key in product(addresses(), ("GET", "POST"), THEIRS.values()):
        if not given:
            continue
        tried += 1
        of_theirs = asked(visitor, path_to(name, given, key), method)
        of_nobody = asked(visitor, path_to(name, given, NOBODYS), method)

        assert of_theirs.status_code in (404, 405), (name, method)
        assert (of_theirs.status_code, of_theirs.content) == (of_nobody.status_code, of_nobody.content), (name, method)
    assert tried >= 40
    assert everything() == before


def test_no_parameter_of_any_page_leads_to_what_is_anothers(
    visitor: Client, theirs: Delivery, postback: Postback
) -> None:
    terms = ("SS-THEIRS", str(theirs.pk), theirs.sent_as, theirs.action.action_id, "Secret plan", str(postback.pk))
    others = ("postback", "before", "after", "attempt", "state", "done", "seen", "link")
    for name, given in addresses():
        path = path_to(name, given, postback.pk)
        if visitor.get(path).status_code == 405:
            continue
        for term, parameters in product(terms, (("q",), others)):
            answer = visitor.get(path, dict.fromkeys(parameters, term), follow=True)
            content = answer.content.decode().replace(f"“{term}”", "").replace(f'value="{term}"', "")
            assert answer.status_code in (200, 404), (path, parameters, term)
            assert not [word for word in TOLD if word in content], (path, parameters, term)


def test_a_page_of_ours_shows_what_the_same_page_of_theirs_would(visitor: Client, theirs: Delivery) -> None:
    """So that the tests above would fail if it were not for the scope."""
    PartnerLink.objects.exclude(pk=THEIRS["link"]).update(partner=theirs.postback.partner, personal_data=True)

    assert "Secret plan" in visitor.get("/portal/").content.decode()
    assert "their answer" in visitor.get(f"/portal/deliveries/{theirs.pk}/").content.decode()
    assert "their plea" in visitor.get(f"/portal/postbacks/{theirs.postback_id}/").content.decode()
    assert asked(visitor, f"/portal/proposals/{THEIRS['proposal']}/withdraw/", "POST").status_code == 302
    assert Proposal.objects.get().state == "withdrawn"


def test_without_an_open_link_every_address_answers_the_same(postback: Postback, link: PartnerLink) -> None:
    client = Client()
    closed = client.get("/portal/").content
    wrong = Client()
    wrong.cookies["portal_session"] = str(link.secret)  # type: ignore[attr-defined]  # a link's is not a session's
    for (name, given), method in product(addresses(), ("GET", "POST")):
        path = path_to(name, given, postback.pk)
        for each in (client, wrong):
            answer = each.generic(method, path)
            assert answer.status_code in (403, 405), path
            assert answer.status_code == 405 or answer.content == closed, path
    for path in ("/portal/nothing/", "/portal/open/", "/portal/open/?link=x", f"{path_of(link)}x", "/portal/admin/"):
        assert Client().get(path).content == closed, path


def test_before_the_link_is_proven_no_page_is_shown(partner: Partner, postback: Postback) -> None:
    client = Client()
    client.get(path_of(make_link(partner, password="four plain words here", rights=PartnerLink.Right.values)))
    before = everything()
    token = token_in(client.get("/portal/enter/"))
    for name, given in addresses():
        if name in ("leave", "enter"):
            continue
        path = path_to(name, given, postback.pk)
        for answer in (client.get(path), client.post(path, {"token": token})):
            assert answer.status_code == 405 or answer.headers["Location"] == "/portal/enter/", path
    assert everything() == before
