"""Replays from the admin: choose, see the count, confirm, watch, cancel, resume; and who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from partners.models import ActionTracker
from postbacks.models import Delivery, Postback, Replay
from postbacks.replay import feed
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_partner, make_postback, make_term

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

START = "/admin/postbacks/replay/add/"
COUNT = {"values": "as-sent", "count": "1"}
SEND = {"values": "as-sent", "send": "1"}


@pytest.fixture
def delivered(tracker: ActionTracker, postback: Postback) -> set[int]:
    made = make_due_deliveries(tracker, [postback], 3)
    Delivery.objects.update(state="delivered", finished_at=timezone.now())
    return made


def watch_url(replay: Replay) -> str:
    return reverse("admin:postbacks_replay_change", args=[replay.pk])


@pytest.mark.usefixtures("delivered")
def test_counted_confirmed_watched_cancelled_and_resumed(admin_client: Client, postback: Postback) -> None:
    page = admin_client.post(START, COUNT | {"postback": [postback.pk]}).content.decode()
    assert "3 deliveries" in page
    assert "GET https://compass.example/in?id=" in page
    assert not Replay.objects.exists()

    answer = admin_client.post(START, SEND | {"postback": [postback.pk], "rate": "1"})
    replay = Replay.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, watch_url(replay))
    assert (replay.planned, replay.rate, replay.described) == (3, 1, f"--postback {postback.pk}")
    assert replay.created_by is not None

    feed.drive_for(0.1)
    deliveries = admin_client.get(f"/admin/postbacks/delivery/?replay={replay.pk}").content.decode()
    assert deliveries.count("Sales") >= 1
    page = admin_client.get(watch_url(replay)).content.decode()
    assert "data-under-way" in page
    assert "at most 1 a second" in page
    assert Delivery.objects.filter(replay=replay, state="ready").count() == 2

    page = admin_client.post(f"/admin/postbacks/replay/{replay.pk}/cancel/", follow=True).content.decode()
    assert f"{replay} is cancelled." in page
    assert "data-under-way" not in page
    assert not Delivery.objects.filter(replay=replay, state="ready").exists()

    page = admin_client.post(f"/admin/postbacks/replay/{replay.pk}/resume/", follow=True).content.decode()
    assert f"{replay} is running again." in page
    replay.refresh_from_db()
    assert replay.state == "running"


def test_what_is_wrong_is_said_at_its_field(admin_client: Client, postback: Postback) -> None:
    page = admin_client.post(START, COUNT | {"since": "yesterday"}).content.decode()
    assert "write yesterday as 2026-11-24" in page
    page = admin_client.post(START, COUNT | {"action": "1.2.3"}).content.decode()
    assert "there is no action 1.2.3" in page
    page = admin_client.post(START, COUNT | {"rate": "0"}).content.decode()
    assert "greater than or equal to 1" in page
    page = admin_client.post(START, SEND).content.decode()
    assert "No postback has had a delivery" in page
    assert not Replay.objects.exists()


@pytest.mark.usefixtures("delivered")
def test_pages_need_few_queries(admin_client: Client, tracker: ActionTracker) -> None:
    for number in range(30):
        partner = make_partner(name=f"Partner {number}")
        make_term(tracker, partner)
        make_postback(tracker, partner, name=f"Postback {number}", url="http://receiver.example/")
    replay = Replay.objects.create(selection={}, described="everything", planned=3)
    for url in (START, watch_url(replay), "/admin/postbacks/replay/"):
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url).status_code == 200
        assert len(queries) <= 15, url
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.post(START, COUNT).status_code == 200
    assert len(queries) <= 17


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize(
    ("permissions", "start", "watch", "cancel"),
    [
        ((), 403, 403, 403),
        (("view_replay",), 403, 200, 403),
        (("view_replay", "add_replay"), 200, 200, 403),
        (("view_replay", "change_replay"), 403, 200, 302),
    ],
)
def test_who_may(permissions: tuple[str, ...], start: int, watch: int, cancel: int) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=(*permissions, "view_mediasource")))
    browser = Client()
    browser.force_login(user)
    replay = Replay.objects.create(selection={}, described="everything", planned=3)
    assert browser.get(START).status_code == start
    assert browser.post(START, COUNT).status_code == start
    assert browser.get(watch_url(replay)).status_code == watch
    assert browser.post(f"/admin/postbacks/replay/{replay.pk}/cancel/").status_code == cancel
    assert browser.post(f"/admin/postbacks/replay/{replay.pk}/delete/").status_code == 403
    assert browser.get(f"/admin/postbacks/replay/{replay.pk}/cancel/").status_code == 405
