"""What workers know of each postback: as it is now, compiled once per change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from partners.models import ActionTracker
from postbacks.database import raw_cursor
from postbacks.delivery.setups import Setup, Setups
from postbacks.models import Lane, Postback
from tests.support.delivery_rows import make_event, make_lane

pytestmark = pytest.mark.django_db


@pytest.fixture
def setups() -> Setups:
    return Setups()


@pytest.fixture
def order_lane() -> Postback:
    return make_lane(url="http://receiver.example/in?order={Oid}&status={Status}")


def read(setups: Setups, *lanes: Postback) -> dict[int, Setup]:
    with raw_cursor() as cursor:
        return setups.read(cursor, [lane.pk for lane in lanes])


def change(lane: Postback, **fields: Any) -> None:
    Postback.objects.filter(pk=lane.pk).update(**fields)


def url_for(setup: Setup, **values: str) -> str | None:
    assert setup.compiled.request is not None
    return setup.compiled.request.build(values).url


def test_a_setup_builds_requests_and_judges_answers(setups: Setups, order_lane: Postback) -> None:
    change(order_lane, maximum_requests=50, success_response="accepted")
    (setup,) = read(setups, order_lane).values()
    assert (setup.postback_id, setup.maximum_requests, setup.stopped) == (order_lane.pk, 50, False)
    assert (setup.troubled, setup.probe_seconds, setup.compiled.broken) == (False, None, "")
    assert url_for(setup, Oid="A 1", Status="PENDING") == "http://receiver.example/in?order=A%201&status=PENDING"
    assert setup.compiled.rules is not None
    assert setup.compiled.rules.judge(200, "it was accepted").success
    assert not setup.compiled.rules.judge(200, "it was not").success


def test_a_post_has_its_pairs_and_headers(setups: Setups) -> None:
    post = make_lane(method="POST", body_format="json", body_pairs=[["b", "{Oid}"], ["a", "1"]], headers="X-Id: {Oid}")
    (setup,) = read(setups, post).values()
    assert setup.compiled.request is not None
    request = setup.compiled.request.build({"Oid": "7"})
    assert isinstance(request.body, bytes)
    assert list(orjson.loads(request.body).items()) == [("b", "7"), ("a", "1")]
    assert request.headers["X-Id"] == "7"


@pytest.mark.parametrize("field", ["paused_at", "deleted_at"])
def test_a_postback_that_is_paused_or_deleted_is_stopped(setups: Setups, order_lane: Postback, field: str) -> None:
    other = make_lane()
    change(order_lane, **{field: timezone.now()})
    assert {pk: setup.stopped for pk, setup in read(setups, order_lane, other).items()} == {
        order_lane.pk: True,
        other.pk: False,
    }
    change(order_lane, **{field: None})
    assert read(setups, order_lane)[order_lane.pk].stopped is False


def test_postbacks_that_are_not_there_are_left_out(setups: Setups, order_lane: Postback) -> None:
    with raw_cursor() as cursor:
        assert list(setups.read(cursor, [order_lane.pk, order_lane.pk + 1000])) == [order_lane.pk]
        assert setups.read(cursor, []) == {}


def test_what_has_not_changed_is_not_compiled_again(setups: Setups, order_lane: Postback) -> None:
    before = read(setups, order_lane)[order_lane.pk]
    change(order_lane, name="Another name", maximum_requests=7, updated_at=timezone.now())
    after = read(setups, order_lane)[order_lane.pk]
    assert after.compiled.request is before.compiled.request
    assert after.compiled.rules is before.compiled.rules
    assert after.maximum_requests == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://receiver.example/other"},
        {"headers": "X-New: 1"},
        {"success_response": "OK"},
        {"error_response": "denied"},
        {"method": "POST", "body_format": "json", "body_raw": "{}"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_change_that_matters_is_seen_at_the_next_look(
    setups: Setups, order_lane: Postback, fields: dict[str, str]
) -> None:
    before = read(setups, order_lane)[order_lane.pk]
    change(order_lane, **fields)
    assert read(setups, order_lane)[order_lane.pk].compiled is not before.compiled


def test_a_parameter_that_is_hidden_now_renders_empty(setups: Setups, order_lane: Postback) -> None:
    assert (
        url_for(read(setups, order_lane)[order_lane.pk], Oid="7", Status="A")
        == "http://receiver.example/in?order=7&status=A"
    )
    ActionTracker.objects.filter(pk=order_lane.action_tracker_id).update(hidden_parameters=["Oid"])
    assert (
        url_for(read(setups, order_lane)[order_lane.pk], Oid="7", Status="A")
        == "http://receiver.example/in?order=&status=A"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://receiver.example/{CampaingId}"},
        {"success_response": "/(/"},
        {"method": "POST", "body_format": "json", "body_pairs": [1, 2]},
        {"method": "POST", "body_format": "json", "body_pairs": [["a"]]},
        {"method": "POST", "body_format": "json", "body_pairs": {"a": 1}},
    ],
    ids=["template", "rule", "numbers", "half a pair", "object"],
)
def test_one_that_cannot_be_used_says_why_and_leaves_the_others_alone(
    setups: Setups, order_lane: Postback, fields: dict[str, Any]
) -> None:
    bad = make_lane()
    change(bad, **fields)
    found = read(setups, bad, order_lane)
    assert found[order_lane.pk].compiled.request is not None
    broken = found[bad.pk].compiled
    assert (broken.request, broken.rules) == (None, None)
    assert broken.broken.startswith("The postback cannot be used: ")
    change(bad, method="GET", body_format="", body_pairs=[], success_response="", url="http://receiver.example/")
    assert read(setups, bad)[bad.pk].compiled.broken == ""


def test_the_health_of_the_destination_is_told(setups: Setups, order_lane: Postback) -> None:
    Lane.objects.create(postback=order_lane, failures=3)
    setup = read(setups, order_lane)[order_lane.pk]
    assert (setup.troubled, setup.probe_seconds) == (True, None)
    now = timezone.now()
    Lane.objects.update(held_since=now, probe_at=now + timedelta(seconds=30))
    setup = read(setups, order_lane)[order_lane.pk]
    assert setup.troubled
    assert setup.probe_seconds == pytest.approx(30, abs=5)


def test_an_events_own_snapshot_fills_the_templates(setups: Setups, order_lane: Postback) -> None:
    event = make_event(order_lane)
    url = url_for(read(setups, order_lane)[order_lane.pk], **event.parameters)
    assert url == f"http://receiver.example/in?order={event.action.order_id}&status=PENDING"
