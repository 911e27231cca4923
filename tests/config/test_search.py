"""The one search: what it finds, in which order, and that each role sees only its own."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles.table import Role
from actions.models import ActionEvent
from postbacks.models import Delivery
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db

HIT = re.compile(r'class="pp-hit" href="([^"]+)".*?class="pp-hit-title"[^>]*>(.*?)</span>', re.DOTALL)


@pytest.fixture
def event() -> ActionEvent:
    tracker, partner = make_tracker(make_program(name="Summit"), name="Online Sale"), make_partner(name="Compass")
    make_term(tracker, partner)
    make_postback(tracker, partner, name="Sales", url="https://compass.example/in?token=t0k3n")
    make_postback(tracker, make_media_source(name="Compass Analytics"), name="Sales to network")
    return record_action(tracker, partner, OrderId="o-77", RefClickId="Xy7-aZ.2")


def search(client: Client, term: str) -> str:
    return client.get("/admin/search/", {"q": term, "list": "1"}).content.decode()


def found(client: Client, term: str) -> list[str]:
    """The titles of the hits."""
    return [" ".join(title.split()) for _url, title in HIT.findall(search(client, term))]


def headings(client: Client, term: str) -> list[str]:
    return re.findall(r"<h2[^>]*>(.*?)</h2>", search(client, term))


def sign_in(client: Client, role: str) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    client.force_login(user)


@pytest.mark.parametrize(
    ("term", "page"),
    [
        ("retention", "Submissions"),
        ("users", "Users"),
        ("tokens", "API tokens"),
        ("held", "Held"),
        ("coupon", "Attribution rules"),
        ("media so", "Networks"),
        ("time zone", "Time zone"),
        ("Event type", "Event types"),
    ],
)
def test_a_page_is_found_by_its_name_and_by_other_words(root: Client, term: str, page: str) -> None:
    assert found(root, term)[0] == page


def test_every_page_of_the_navigation_is_found_first_by_its_name(root: Client) -> None:
    groups = root.get("/admin/").context["sidebar_navigation"]
    titles = [item["title"] for group in groups for item in group["items"]]

    assert len(titles) > 10
    assert [title for title in titles if found(root, title)[0] != title] == []


def test_rows_are_found_by_parts_of_their_names(root: Client, event: ActionEvent) -> None:
    assert headings(root, "omPas") == ["Partners", "Networks", "Postbacks", "Elsewhere"]
    assert headings(root, "summ") == ["Programs", "Elsewhere"]
    assert headings(root, "Online S") == ["Event types", "Elsewhere"]


def test_whole_names_come_before_beginnings_before_parts(root: Client) -> None:
    for name in ("Old Harbor", "Harbor West", "harbor"):
        make_partner(name=name)

    assert [title.rpartition(" (")[0] for title in found(root, "Harbor")[:3]] == ["harbor", "Harbor West", "Old Harbor"]


@pytest.mark.parametrize("term", ["o-77", "{action_id}", "{action}", "Xy7-aZ.2", " o-77 "])
def test_an_order_is_found_by_each_of_its_ids(root: Client, event: ActionEvent, term: str) -> None:
    action = event.action
    typed = term.format(action_id=action.action_id, action=action.pk)

    titles = found(root, typed)

    numbers = Delivery.objects.filter(action=action).order_by("-pk").values_list("pk", flat=True)
    assert {f"Delivery {number}" for number in numbers} <= set(titles)
    if "Xy7" not in term:
        assert f"o-77 ({action.action_id})" in titles


def test_what_has_the_typed_id_comes_first(root: Client, event: ActionEvent) -> None:
    delivery = Delivery.objects.first()
    assert delivery is not None
    make_partner(name=f"Number {delivery.pk} Ltd")

    titles = found(root, str(delivery.pk))

    names = [title for title in titles if title.startswith("Number")]
    assert titles.index(f"Delivery {delivery.pk}") < titles.index(names[0])


def test_each_group_is_limited_and_leads_to_all(root: Client) -> None:
    for number in range(7):
        make_partner(name=f"Harbor {number}")

    content = search(root, "harbor")

    assert [title for _url, title in HIT.findall(content)].count("All partners with “harbor”") == 1
    assert "/admin/partners/partner/?q=harbor" in content
    assert sum(title.startswith("Harbor") for title in found(root, "harbor")) == 5


def test_what_is_nowhere_is_looked_for_in_the_log(root: Client) -> None:
    content = search(root, "A&B 1")

    assert "Nothing that you may see has this name or id" in content
    assert [title for _url, title in HIT.findall(content)] == ["Search the delivery log for “A&amp;B 1”"]
    assert 'href="/admin/postbacks/delivery/?q=A%26B%201"' in content


def test_a_postback_is_not_found_by_the_secrets_in_its_url(root: Client, event: ActionEvent) -> None:
    assert headings(root, "t0k3n") == ["Elsewhere"]


def test_networks_are_shown_only_to_who_may_see_them(client: Client, event: ActionEvent) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    permissions = Group.objects.get(name=Role.VIEWER).permissions.exclude(codename="view_mediasource")
    user.user_permissions.set(permissions)
    client.force_login(user)

    for term in ("Compass", "Sales", "o-77", "Analytics"):
        assert "to network" not in search(client, term)
        assert "Analytics (" not in search(client, term)


@pytest.mark.parametrize("term", ["Compass", "o-77", "users", "1", "Xy7-aZ.2"])
def test_who_has_no_role_finds_nothing(client: Client, event: ActionEvent, term: str) -> None:
    sign_in(client, "none")

    assert found(client, term) == []


def test_a_viewer_finds_no_page_that_he_may_not_open(client: Client) -> None:
    sign_in(client, Role.VIEWER)

    for term in ("users", "add", "roles", "audit", "tokens"):
        for url in [url for url, _title in HIT.findall(search(client, term))]:
            assert client.get(url).status_code == 200, url


def test_the_page_works_without_scripts(root: Client, event: ActionEvent) -> None:
    content = root.get("/admin/search/", {"q": "o-77"}).content.decode()

    assert f"o-77 ({event.action.action_id})" in content
    assert 'name="q" value="o-77"' in content


def test_a_search_reads_a_few_rows_by_few_queries(root: Client, event: ActionEvent) -> None:
    counts = []
    for term in ("Compass", "o-77", str(event.action_id)):
        with CaptureQueriesContext(connection) as captured:
            search(root, term)
        counts.append(len(captured))

    assert max(counts) <= 17


@pytest.mark.parametrize("term", ["", " ", "x" * 201, "%", "_", "\\", "٣", "²", "9" * 40, "<b>", "'"])
def test_whatever_is_typed_gets_an_answer(root: Client, event: ActionEvent, term: str) -> None:
    answer = root.get("/admin/search/", {"q": term})

    assert answer.status_code == 200
    assert "Compass (" not in answer.content.decode()
