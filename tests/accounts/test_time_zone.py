"""The time zone that a user chooses for the screens."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from postbacks.models import Postback
from tests.support.factories import make_partner, make_postback, make_tracker

pytestmark = pytest.mark.django_db

PAGE = "/admin/time-zone/"
PAUSED_AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@pytest.fixture
def paused() -> Postback:
    return make_postback(make_tracker(), make_partner(), paused_at=PAUSED_AT)


def shows(client: Client, postback: Postback) -> str:
    """The time of day at which the page says that the postback was paused."""
    page = client.get(reverse("admin:postbacks_postback_change", args=(postback.pk,))).content.decode()
    return page.partition("Paused since 2026-11-24 ")[2][:8]


def test_what_a_user_chooses_holds_for_all_their_pages_and_for_nobody_else(root: Client, paused: Postback) -> None:
    root.cookies["time_zone"] = "Europe/Berlin"
    assert shows(root, paused) == "13:30:00"

    answer = root.post(PAGE, {"zone": "Asia/Tokyo", "next": "/admin/?hours=1"})

    assert answer.headers["Location"] == "/admin/?hours=1"
    assert shows(root, paused) == "21:30:00"
    assert "Asia/Tokyo (UTC+09:00)" in root.get("/admin/").content.decode()
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert shows(other, paused) == "12:30:00"


def test_the_servers_zone_can_be_chosen_and_the_choice_taken_back(
    root: Client, paused: Postback, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    root.cookies["time_zone"] = "Europe/Berlin"

    root.post(PAGE, {"zone": "server"})
    assert shows(root, paused) == "07:30:00"

    root.post(PAGE, {"zone": ""})
    assert shows(root, paused) == "13:30:00"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 100])
def test_an_unknown_zone_is_refused(root: Client, zone: str) -> None:
    answer = root.post(PAGE, {"zone": zone})

    assert answer.status_code == 200
    assert "not one of the available choices" in answer.content.decode()


def test_saving_leads_to_no_other_site(root: Client) -> None:
    answer = root.post(PAGE, {"zone": "UTC", "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == PAGE


def test_filters_are_read_in_the_chosen_zone(root: Client) -> None:
    root.post(PAGE, {"zone": "Europe/Berlin"})

    page = root.get("/admin/postbacks/delivery/?since=2026-03-29T02:30").content.decode()

    assert "2026-03-29 02:30 does not exist in Europe/Berlin" in page
    assert "2026-03-29 03:00" in page


def test_a_replay_from_a_time_that_exists_twice_asks_which(root: Client) -> None:
    root.post(PAGE, {"zone": "Europe/Berlin"})

    page = root.post("/admin/postbacks/replay/add/", {"since": "2026-10-25T02:30"}).content.decode()

    assert "2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00" in page


def test_lists_and_forms_show_times_with_their_zone(root: Client, paused: Postback) -> None:
    User.objects.update(last_login=PAUSED_AT)
    root.post(PAGE, {"zone": "Europe/Berlin"})
    title = 'title="2026-11-24 13:30:00 Europe/Berlin (UTC+01:00)">2026-11-24 13:30:00</time>'
    user = User.objects.get()

    for path in ("/admin/auth/user/?o=5", reverse("admin:auth_user_change", args=(user.pk,))):
        assert title in root.get(path).content.decode(), path
