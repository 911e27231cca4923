"""Deliveries over the management API: search, read, resend, cancel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from actions.models import ActionEvent
from partners.models import ActionTracker, Partner
from postbacks.delivery_log.history import entries_of
from postbacks.models import Attempt, Delivery, Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_media_source,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]
ALL = "/api/v1/deliveries"
TOWN = "Ulm-71"


@pytest.fixture
def event(postback: Postback, tracker: ActionTracker, partner: Partner) -> ActionEvent:
    """The first of an action that fires a delivery."""
    return record_action(tracker, partner, CustomerCity=TOWN, RefClickId="click-9")


@pytest.fixture
def delivery(event: ActionEvent) -> Delivery:
    """Failed, with one attempt."""
    found = Delivery.objects.get(event=event)
    found.state, found.finished_at, found.attempts_made = Delivery.State.FAILED, timezone.now(), 1
    found.reason = "Status 500"
    found.save()
    Attempt.objects.create(
        delivery=found,
        number=1,
        started_at=timezone.now(),
        duration_ms=12,
        succeeded=False,
        reason="Status 500",
        method="GET",
        url=f"https://compass.example/in?city={TOWN}",
        request_headers=f"X-Town: {TOWN}",
        status=500,
        response_headers=f"X-Echo: {TOWN}",
        response_body=f"no {TOWN}",
    )
    return found


def one(delivery: Delivery, then: str = "") -> str:
    return f"{ALL}/{delivery.pk}{then}"


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["deliveries"]]


def test_a_delivery_is_read_with_its_attempts(delivery: Delivery) -> None:
    told = ApiCaller(scopes=["read", "personal"])("GET", one(delivery)).json()
    assert (told["state"], told["text"], told["event"], told["hidden"]) == ("failed", "Status 500", "created", False)
    assert (told["action"], told["order_id"]) == (delivery.action.action_id, delivery.action.order_id)
    (attempt,) = told["attempts"]
    assert (attempt["status"], attempt["method"], attempt["response_body"]) == (500, "GET", f"no {TOWN}")


def test_without_the_scope_texts_that_may_reveal_a_customer_are_left_out(
    delivery: Delivery, manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    answer = manager("GET", one(delivery))
    told = answer.json()
    assert TOWN not in answer.content.decode()
    assert told["hidden"] is True
    texts = ("url", "request_headers", "request_body", "response_headers", "response_body")
    assert {told["attempts"][0][name] for name in texts} == {None}
    assert told["attempts"][0]["status"] == 500
    plain = Delivery.objects.get(event=record_action(tracker, partner))
    assert manager("GET", one(plain)).json()["hidden"] is False


def test_deliveries_are_listed_by_pages_the_newest_first(
    manager: ApiCaller, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    for _ in range(5):
        record_action(tracker, partner)
    seen: list[int] = []
    path: str | None = f"{ALL}?limit=2&postback={postback.pk}"
    while path:
        page = manager("GET", path)
        seen += ids(page)
        path = page.json()["next"]
    assert seen == sorted(Delivery.objects.values_list("pk", flat=True), reverse=True)
    assert len(seen) == 5


def test_deliveries_are_found_as_in_the_log(
    manager: ApiCaller, delivery: Delivery, tracker: ActionTracker, partner: Partner
) -> None:
    network = make_media_source()
    to_network = make_postback(tracker, network)
    newer = record_action(tracker, partner)
    waiting, sent_to_network = Delivery.objects.filter(event=newer).order_by("postback")
    assert sent_to_network.postback == to_network
    moment = timezone.now()
    for query, expected in (
        ({"search": delivery.action.action_id}, [delivery]),
        ({"search": delivery.action.order_id}, [delivery]),
        ({"search": "click-9"}, [delivery]),
        ({"search": str(delivery.pk)}, [delivery]),
        ({"search": "nothing of the kind"}, []),
        ({"state": "failed"}, [delivery]),
        ({"state": "unfinished"}, [sent_to_network, waiting]),
        ({"media_source": network.pk}, [sent_to_network]),
        ({"partner": partner.pk, "state": "ready"}, [waiting]),
        ({"partner": 999_999}, []),
        ({"action_tracker": 999_999}, []),
        ({"postback": to_network.pk}, [sent_to_network]),
        ({"replay": 1}, []),
        ({"since": (moment + timedelta(hours=1)).isoformat()}, []),
        ({"until": (moment + timedelta(hours=1)).isoformat(), "before": waiting.pk}, [delivery]),
    ):
        assert ids(manager.get(ALL, **query)) == [each.pk for each in expected], query


@pytest.mark.parametrize("query", ["state=gone", "since=soon", "since=2026-01-01T00:00:00", "search=a%00b"], ids=str)
def test_a_filter_that_cannot_be_read_is_an_error(manager: ApiCaller, query: str) -> None:
    answer = manager("GET", f"{ALL}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, query.partition("=")[0])


def test_a_finished_one_is_sent_again_and_the_history_names_the_token(
    manager: ApiCaller, delivery: Delivery, root: Client
) -> None:
    answer = manager("POST", one(delivery, "/resend"))
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["state"], told["resent_as"]) == ("ready", delivery.pk)
    made = Delivery.objects.get(pk=told["id"])
    by = f"API token caller ({manager.token.pk})"
    assert [(entry.by, entry.text) for entry in entries_of(made)] == [(by, "Sent again.")]
    assert by in root.get(f"/admin/postbacks/delivery/{made.pk}/change/").content.decode()
    again = manager("POST", one(delivery, "/resend"))
    assert again.status_code == 409
    assert "left as it is" in again.json()["Message"]
    assert Delivery.objects.count() == 2


def test_one_that_waits_for_its_retry_is_tried_now(manager: ApiCaller, event: ActionEvent) -> None:
    waiting = Delivery.objects.get(event=event)
    Delivery.objects.filter(pk=waiting.pk).update(due_at=timezone.now() + timedelta(hours=1), attempts_made=1)
    told = manager("POST", one(waiting, "/try-now")).json()
    assert datetime.fromisoformat(told["due_at"]) <= timezone.now() + timedelta(seconds=1)
    assert [entry.text for entry in entries_of(waiting)] == ["Tried now."]
    again = manager("POST", one(waiting, "/try-now"))
    assert again.status_code == 409
    assert again.json()["Message"] == f"Delivery {waiting.pk} was left as it is: due already."


def test_one_that_waits_is_cancelled_once(manager: ApiCaller, event: ActionEvent) -> None:
    waiting = Delivery.objects.get(event=event)
    told = manager("POST", one(waiting, "/cancel")).json()
    by = f"API token caller ({manager.token.pk})"
    assert (told["state"], told["text"]) == ("cancelled", f"Cancelled by {by}.")
    assert [(entry.by, entry.text) for entry in entries_of(waiting)] == [(by, "Cancelled.")]
    again = manager("POST", one(waiting, "/cancel"))
    assert (again.status_code, len(entries_of(waiting))) == (409, 1)


def test_the_log_of_a_bound_token_keeps_to_its_program(delivery: Delivery, tracker: ActionTracker) -> None:
    other = make_tracker(make_program())
    network = make_media_source()
    hidden_postback = make_postback(other, network)
    hidden = Delivery.objects.get(event=record_action(other, OrderId="hidden-1", RefClickId="click-9"))
    call = ApiCaller(tracker.program, scopes=["read", "manage"])
    assert ids(call("GET", ALL)) == [delivery.pk]
    for query in (
        {"search": "hidden-1"},
        {"search": str(hidden.pk)},
        {"postback": hidden_postback.pk},
        {"action_tracker": other.pk},
        {"media_source": network.pk},
        {"state": "ready"},
    ):
        assert ids(call.get(ALL, **query)) == [], query
    assert ids(call.get(ALL, search="click-9")) == [delivery.pk]
    for path in ("/resend", "/try-now", "/cancel"):
        assert call("POST", one(hidden, path)).status_code == 404
    hidden.refresh_from_db()
    assert hidden.state == Delivery.State.READY


def test_deliveries_of_a_postback_that_has_moved_stay_with_their_program(
    delivery: Delivery, tracker: ActionTracker, partner: Partner
) -> None:
    """An operator may give a postback an event type of another program; what it sent before is not that program's."""
    other = make_tracker(make_program())
    make_term(other, partner)
    Postback.objects.update(action_tracker=other)
    for program in (tracker.program, other.program):
        call = ApiCaller(program, scopes=["read", "manage"])
        for query in ({}, {"postback": delivery.postback_id}, {"state": "failed"}, {"search": str(delivery.pk)}):
            assert ids(call.get(ALL, **query)) == []
        assert call("GET", one(delivery)).status_code == 404
