"""The whole way, with real worker processes: reported, matched, rendered, sent, judged, recorded, retried."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from actions.models import ActionEvent
from notices.models import Channel
from notices.tasks import notify
from partners.models import ActionTracker, Partner
from postbacks.lifecycle import pause, resume
from postbacks.models import Attempt, Delivery, Lane, Postback, Pulse
from postbacks.replay.plan import start
from postbacks.replay.selection import Selection
from postbacks.status import read_status
from tests.support.channels import make_channel
from tests.support.factories import make_postback, record_action, record_change
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Response, ScriptedReceiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workers")]

URL = "/in?action={ActionId}&event={ActionEvent}&amount={Amount}&attempt={Attempt}&delivery={DeliveryId}"


def sale(tracker: ActionTracker, partner: Partner, amount: str = "100.00") -> ActionEvent:
    return record_action(tracker, partner, CurrencyCode="USD", Items=[{"Sku": "A", "Quantity": 2, "SubTotal": amount}])


def wait_until_finished(timeout_seconds: float = 15) -> None:
    unfinished = Delivery.objects.filter(state__in=Delivery.UNFINISHED)
    wait_until(lambda: not unfinished.exists(), timeout_seconds, "all deliveries are finished")


def test_an_event_is_delivered_and_the_attempt_recorded(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver(lambda _: Response(200, "thanks", {"X-Receiver": "1"})) as receiver:
        postback = make_postback(tracker, partner, url=receiver.url + URL, headers="X-Source: {Oid}")
        event = sale(tracker, partner)
        (arrival,) = receiver.wait_for(1)
        wait_until_finished()

    delivery = Delivery.objects.get()
    assert arrival.query == {
        "action": event.action.action_id,
        "event": "created",
        "amount": "100.00",
        "attempt": "1",
        "delivery": delivery.sent_as,
    }
    assert arrival.headers["X-Source"] == event.action.order_id
    assert (delivery.state, delivery.postback, delivery.attempts_made) == ("delivered", postback, 1)
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.succeeded, attempt.method, attempt.status) == (1, True, "GET", 200)
    assert attempt.url == receiver.url + arrival.url
    assert (attempt.response_body, "X-Receiver: 1" in attempt.response_headers) == ("thanks", True)


def test_a_failed_attempt_is_retried_and_what_follows_waits(tracker: ActionTracker, partner: Partner) -> None:
    def script(arrival: Arrival) -> Response:
        return Response(503) if arrival.query["event"] == "created" and arrival.query["attempt"] == "1" else Response()

    with ScriptedReceiver(script) as receiver:
        make_postback(tracker, partner, url=receiver.url + URL)
        event = sale(tracker, partner)
        record_change(event, "modified", Reason="ITEM_RETURNED", Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "40"}])
        record_change(event, "reversed", Reason="CONS_FRAUD")
        assert Counter(Delivery.objects.values_list("state", flat=True))["blocked"] >= 1
        wait_until_finished()
        arrivals = receiver.arrivals

    assert [(a.query["event"], a.query["attempt"], a.query["amount"]) for a in arrivals] == [
        ("created", "1", "100.00"),
        ("created", "2", "100.00"),
        ("modified", "1", "40.00"),
        ("reversed", "1", "0.00"),
    ]
    assert arrivals[1].t - arrivals[0].t >= 4.5, "the first retry comes after 5 s, 10 % more or less"
    assert arrivals[0].query["delivery"] == arrivals[1].query["delivery"]


def test_a_minimum_delay_is_kept(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver() as receiver:
        make_postback(tracker, partner, url=receiver.url + "/at-once")
        make_postback(tracker, partner, url=receiver.url + "/later", minimum_delay_seconds=2)
        sale(tracker, partner)
        at_once, later = receiver.wait_for(2)
        wait_until_finished()

    assert (at_once.path, later.path) == ("/at-once", "/later")
    delivery = Delivery.objects.get(postback__minimum_delay_seconds=2)
    attempt = delivery.attempts.get()
    waited = (attempt.started_at - delivery.created_at).total_seconds()
    assert waited >= 2.0


def test_the_maximum_requests_are_never_exceeded(tracker: ActionTracker, partner: Partner) -> None:
    limit, count = 20, 70
    with ScriptedReceiver() as receiver:
        make_postback(tracker, partner, url=receiver.url + "/in", maximum_requests=limit)
        for _ in range(count):
            sale(tracker, partner)
        receiver.wait_for(count, timeout=20)
        wait_until_finished()

    # When they left: how long a busy machine lets them travel is not ours.
    times = [at.timestamp() for at in Attempt.objects.values_list("started_at", flat=True)]
    in_a_second = [sum(start <= t < start + 1 for t in times) for start in times]
    assert max(in_a_second) <= limit


def test_rules_on_the_body_decide(tracker: ActionTracker, partner: Partner) -> None:
    def script(arrival: Arrival) -> Response:
        return Response(200, "error: denied" if arrival.query["attempt"] == "1" else "OK")

    with ScriptedReceiver(script) as receiver:
        make_postback(tracker, partner, url=receiver.url + URL, success_response="OK", error_response="/error|denied/")
        sale(tracker, partner)
        receiver.wait_for(2)
        wait_until_finished()

    reasons = list(Attempt.objects.order_by("number").values_list("succeeded", flat=True))
    assert reasons == [False, True]


def test_what_cannot_be_built_or_is_gone_fails_at_once_with_its_reason(
    tracker: ActionTracker, partner: Partner
) -> None:
    with ScriptedReceiver(lambda _: Response(410)) as receiver:
        make_postback(tracker, partner, name="gone", url=receiver.url + "/in")
        make_postback(tracker, partner, name="header", url=receiver.url + "/in", headers="X-Note: {raw}{Note}")
        sale(tracker, partner)
        receiver.wait_for(1)
        wait_until_finished()

    gone = Delivery.objects.get(postback__name="gone")
    assert (gone.state, gone.attempts_made, "410" in gone.reason) == ("failed", 1, True)
    broken = Delivery.objects.get(postback__name="header")
    assert (broken.state, broken.attempts_made, broken.attempts.count()) == ("failed", 0, 0)
    assert "raw" in broken.reason


def test_a_paused_postback_collects_and_releases(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver() as receiver:
        postback = make_postback(tracker, partner, url=receiver.url + URL)
        other = make_postback(tracker, partner, url=receiver.url + "/other")
        pause(postback)
        for _ in range(3):
            sale(tracker, partner)
        wait_until(lambda: len(receiver.arrivals) == 3, 10, "the other postback's arrive")
        assert {arrival.path for arrival in receiver.arrivals} == {"/other"}
        assert Delivery.objects.filter(postback=other, state="delivered").count() <= 3
        resume(Postback.objects.get(pk=postback.pk))
        receiver.wait_for(6)
        wait_until_finished()


def test_a_receiver_that_was_down_gets_everything_once_and_in_order(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver() as receiver:
        make_postback(tracker, partner, url=receiver.url + URL)
        receiver.stop()
        events = [sale(tracker, partner) for _ in range(20)]
        for event in events:
            record_change(event, "reversed", Reason="CONS_FRAUD")
        wait_until(lambda: Lane.objects.filter(held_since__isnull=False).exists(), 10, "the destination is held")
        receiver.start()
        receiver.wait_for(40, timeout=30)
        wait_until_finished()
        arrivals = receiver.arrivals

    of_action: dict[str, list[str]] = defaultdict(list)
    for arrival in arrivals:
        of_action[arrival.query["action"]].append(arrival.query["event"])
    assert dict(of_action) == {event.action.action_id: ["created", "reversed"] for event in events}


def test_a_destination_that_is_down_is_held_probed_and_released(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver(lambda _: Response(503)) as receiver, ScriptedReceiver() as healthy:
        down = make_postback(tracker, partner, url=receiver.url + URL)
        make_postback(tracker, partner, url=healthy.url + URL)
        for _ in range(30):
            sale(tracker, partner)
        wait_until(lambda: Lane.objects.filter(held_since__isnull=False).exists(), 10, "the destination is held")
        healthy.wait_for(30, timeout=5)
        assert read_status().held == [down.pk]

        # What was in flight is in; from now on one probe, ten seconds after the hold began.
        wait_until(lambda: not Delivery.objects.filter(state="sending").exists(), 5, "nothing is in flight")
        before = len(receiver.arrivals)
        receiver.wait_for(before + 1, timeout=14)
        receiver.script = lambda _: Response(200)
        assert len(receiver.arrivals) == before + 1
        lane = Lane.objects.get(postback=down)
        wait_until(lambda: Lane.objects.get(postback=down).probe_wait_seconds == 20, 5, "the next wait is longer")

        # Do not wait for it: the operator's clock is the database's.
        Lane.objects.filter(pk=lane.pk).update(probe_at=Now())
        wait_until_finished(30)
        lane.refresh_from_db()

    assert (lane.held_since, lane.failures) == (None, 0)
    assert lane.notice in ("released", ""), "its end will be told, or beat has seen to it meanwhile"
    assert Delivery.objects.filter(postback=down, state="delivered").count() == 30
    assert Delivery.objects.filter(postback=down, attempts_made=1).exists(), "those that waited burnt no attempt"


def test_three_actions_that_are_gone_pause_the_postback(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver(lambda _: Response(410)) as receiver:
        postback = make_postback(tracker, partner, url=receiver.url + URL)
        for _ in range(3):
            sale(tracker, partner)
        wait_until(lambda: Postback.objects.filter(paused_at__isnull=False).exists(), 10, "it pauses")
        sale(tracker, partner)
        time.sleep(2)
        assert len(receiver.arrivals) == 3

    postback.refresh_from_db()
    assert "410" in postback.pause_reason
    assert dict(Counter(Delivery.objects.values_list("state", flat=True))) == {"failed": 3, "ready": 1}


def test_operators_are_told_by_a_worker_of_what_its_lane_notes(tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, partner, name="Sales", paused_at=timezone.now())
    with ScriptedReceiver(lambda _: Response(200, "ok")) as chat:
        channel = make_channel(address=chat.url)
        Lane.objects.create(postback=postback, notice=Lane.Notice.PAUSED)
        notify.delay()
        (arrival,) = chat.wait_for(1, timeout=20)
        wait_until(lambda: Channel.objects.get(pk=channel.pk).last_answer == "Answered 200: ok", 10, "it is noted")
    assert json.loads(arrival.body)["text"] == f"Paused: {postback}"


def test_tasks_of_a_process_share_its_connection() -> None:
    """A new connection takes the server more time than most tasks; beat posts more than one a second."""
    wait_until(lambda: Pulse.objects.filter(name="sweep").exists(), 10, "the first sweep")
    time.sleep(1.5)  # The server counts what has begun a little later.
    before, first = _sessions_begun(), Pulse.objects.get(name="sweep").at
    four = Pulse.objects.filter(name="sweep", at__gt=first + timedelta(seconds=4))
    wait_until(four.exists, 15, "some more sweeps")
    assert _sessions_begun() - before <= 2, "one for each of the two processes"


def test_a_replay_that_nobody_drives_begins_with_the_next_sweep(tracker: ActionTracker, partner: Partner) -> None:
    with ScriptedReceiver() as receiver:
        postback = make_postback(tracker, partner, url=receiver.url + URL)
        sale(tracker, partner)
        wait_until_finished()
        took = []
        for number in (2, 3):  # Beat itself posts every five seconds, so at most one of them in time for both.
            began = time.monotonic()
            start(Selection(), described="everything")
            receiver.wait_for(number)
            took.append(time.monotonic() - began)
            wait_until_finished()
    assert max(took) < 3, took
    assert set(Delivery.objects.values_list("postback", flat=True)) == {postback.pk}


def _sessions_begun() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
        (found,) = cursor.fetchone()
    return int(found)
