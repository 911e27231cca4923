"""Held: what is stopped and why, released by hand; and what waits, counted only as far as a page may take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from postbacks.metrics import backlog
from postbacks.metrics.backlog import oldest_due, shown, waiting_in_all, waiting_of
from postbacks.models import Delivery, Lane, Postback
from tests.support.delivery_rows import lane_scores, make_delivery, make_held, make_lane

pytestmark = pytest.mark.django_db

HELD = "/admin/postbacks/lane/"


def hold(postback: Postback, minutes: int = 10) -> Lane:
    since = timezone.now() - timedelta(minutes=minutes)
    return Lane.objects.create(
        postback=postback,
        failures=10,
        failed_actions=[1, 2, 3],
        held_since=since,
        probe_at=since + timedelta(minutes=20),
        probe_wait_seconds=80,
        notice=Lane.Notice.HELD,
    )


def sign_in(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def test_held_ones_come_first_then_paused_ones_each_with_its_reason(client: Client, postback: Postback) -> None:
    client.force_login(User.objects.create_superuser("administrator"))
    hold(postback)
    make_delivery(postback, priority=1, attempts_made=2, reason="No connection.", due_in_seconds=60)
    make_delivery(postback)
    longer, gone = make_lane(), make_lane(deleted_at=timezone.now())
    hold(longer, minutes=30)
    hold(gone)
    paused = make_lane(paused_at=timezone.now() - timedelta(hours=1), pause_reason="The receiver answered 410.")
    Lane.objects.create(postback=make_lane())

    rows = client.get(HELD).context["rows"]

    assert [(row.postback, row.state.key, row.why, row.waiting) for row in rows] == [
        (longer, "held", "", "0"),
        (postback, "held", "No connection.", "2"),
        (paused, "paused", "The receiver answered 410.", "0"),
    ]
    assert [row.probe_at is None for row in rows] == [False, False, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_redis")
def test_a_release_forgets_the_failures_and_wakes_the_lane(client: Client, postback: Postback) -> None:
    sign_in(client, "view_lane", "change_postback", "view_postback")
    lane = hold(postback)

    answer: Any = client.post(f"{HELD}{postback.pk}/release/", follow=True)

    assert [str(message) for message in answer.context["messages"]] == [
        f"{postback} is released: waiting deliveries go out at its allowed rate."
    ]
    lane.refresh_from_db()
    assert (lane.failures, lane.failed_actions, lane.held_since, lane.probe_at) == (0, [], None, None)
    assert (lane.probe_wait_seconds, lane.notice) == (0, Lane.Notice.NONE)
    assert lane_scores() == {postback.pk: pytest.approx(0, abs=1)}
    again: Any = client.post(f"{HELD}{postback.pk}/release/", follow=True)
    assert [str(message) for message in again.context["messages"]] == [f"{postback} was no longer held."]


def test_releasing_takes_a_post_and_the_permission(client: Client, postback: Postback) -> None:
    sign_in(client, "view_lane")
    lane = hold(postback)

    assert client.get(f"{HELD}{postback.pk}/release/").status_code == 405
    assert client.post(f"{HELD}{postback.pk}/release/").status_code == 403
    assert "Release" not in client.get(HELD).content.decode().replace("Released", "")
    lane.refresh_from_db()
    assert lane.held_since is not None


def test_networks_are_out_of_sight_without_optimize(client: Client, postback: Postback) -> None:
    sign_in(client, "view_lane", "change_postback")
    network = make_lane()
    hold(network)
    hold(postback)

    assert [row.postback for row in client.get(HELD).context["rows"]] == [postback]
    assert client.post(f"{HELD}{network.pk}/release/").status_code == 404


def test_what_is_paused_is_resumed_from_the_list(client: Client, postback: Postback) -> None:
    sign_in(client, "view_lane", "view_postback", "change_postback")
    Postback.objects.update(paused_at=timezone.now())

    answer = client.post(f"/admin/postbacks/postback/{postback.pk}/resume/", {"from-held": ""})

    assert answer.headers["Location"] == HELD
    postback.refresh_from_db()
    assert postback.paused_at is None


def test_what_waits_is_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    lane, other = make_lane(), make_lane()
    first = make_delivery(lane)
    make_delivery(lane, first.event, state="blocked")
    make_held(lane)
    make_delivery(lane, state="failed")
    make_delivery(other)

    assert waiting_of([lane.pk, other.pk, 0]) == {lane.pk: 3, other.pk: 1, 0: 0}
    assert waiting_in_all() == 4
    monkeypatch.setattr(backlog, "COUNTED_UP_TO", 1)
    monkeypatch.setattr(backlog, "ALL_COUNTED_UP_TO", 2)
    assert (waiting_of([lane.pk]), waiting_in_all()) == ({lane.pk: 2}, 3)
    assert (shown(2, 1), shown(1000, 1000)) == ("over 1", "1,000")


def test_the_oldest_is_what_could_go_now() -> None:
    assert oldest_due() is None
    lane = make_lane()
    make_delivery(lane, due_in_seconds=60)
    make_delivery(lane, state="failed", due_in_seconds=-90)
    make_delivery(make_lane(paused_at=timezone.now()), due_in_seconds=-80)
    due = make_delivery(lane, due_in_seconds=-20, priority=Delivery.Priority.REPLAY)
    make_delivery(lane, due_in_seconds=-10)

    assert oldest_due() == due.due_at
