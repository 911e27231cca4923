"""A worker process on a host whose clock is off, or jumps, as libfaketime makes it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.db.models.functions import Now

from operations.asking import Asker
from operations.doctor.workers import look_at_workers
from partners.models import ActionTracker, Partner
from postbacks.credentials.signing.renewal import make_key
from postbacks.delivery import heartbeat
from postbacks.delivery.database_clock import LEARN_EVERY_SECONDS
from postbacks.delivery.redis import client
from postbacks.models import Attempt, Delivery, Replay
from postbacks.models.pulse import Pulse
from postbacks.replay.plan import start
from postbacks.replay.selection import Selection
from tests.support.factories import make_postback, record_action
from tests.support.own_clock import OwnClock
from tests.support.patience import wait_until
from tests.support.receiver import Answer, Arrival, Response, ScriptedReceiver
from tests.support.workers import CeleryProcess, start_worker

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600
OFF = 7


@pytest.fixture(scope="module")
def started(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnClock]:
    """The clock of a worker that starts while it is off; with beat, for all tests, because a start takes seconds."""
    clock = OwnClock(tmp_path_factory.mktemp("clock"))
    clock.set(OFF)
    client.flushdb()
    with (
        start_worker(concurrency=1, variables=clock.variables),
        CeleryProcess("beat", "beat", ready="is starting"),
    ):
        yield clock


@pytest.fixture
def clock(started: OwnClock) -> OwnClock:
    """That of the worker, which is right at first."""
    started.set(0)
    return started


def test_a_worker_whose_clock_is_off_does_its_work_and_is_named(
    started: OwnClock, tracker: ActionTracker, partner: Partner
) -> None:
    started.set(OFF)
    with ScriptedReceiver() as receiver:
        make_postback(tracker, partner, url=receiver.url)
        wait_until(lambda: Pulse.objects.filter(name=heartbeat.BEAT).exists(), 15, "what only beat posts is done")
        record_action(tracker, partner)
        receiver.wait_for(1)
        wait_until(Attempt.objects.exists, 10, "the attempt is recorded")
    off = Attempt.objects.annotate(now=Now()).get()
    assert abs(off.now - off.started_at) < timedelta(seconds=OFF - 1)
    expected = f"The clock of a worker's host is not the database's: +{OFF}.0 s on {socket.gethostname()}."
    wait_until(lambda: expected in said_of_workers(), LEARN_EVERY_SECONDS, "the host is named")


def said_of_workers() -> list[str]:
    with Asker(5) as asker:
        return [finding.what for finding in look_at_workers(asker)]


def refuse_once(arrival: Arrival) -> Answer:
    """Each path asks for a second attempt in its own way: by the schedule, or at a date."""
    if arrival.query["attempt"] != "1" or arrival.path == "/delayed":
        return Response()
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    return Response(503, headers={"Retry-After": later} if arrival.path == "/dated" else {})


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_clock_that_jumps_brings_nothing_forward_and_puts_nothing_off(
    clock: OwnClock, tracker: ActionTracker, partner: Partner, seconds: int
) -> None:
    with ScriptedReceiver(refuse_once) as receiver:
        for name, delay in (("delayed", 6), ("retried", 0), ("dated", 0)):
            url = f"{receiver.url}/{name}?attempt={{Attempt}}"
            make_postback(tracker, partner, name=name, url=url, minimum_delay_seconds=delay)
        reported = time.monotonic()
        record_action(tracker, partner)
        receiver.wait_for(2)
        clock.set(seconds)
        reported_again = time.monotonic()
        record_action(tracker, partner)
        receiver.wait_for(6)
        clock.set(0)
        came = receiver.wait_for(10, timeout=30)
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 10, "all is recorded")
    assert len(receiver.arrivals) == 10, "nothing is sent twice"
    for name, wait in (("delayed", 6), ("retried", 4.5), ("dated", 8)):  # A date says no fractions of a second.
        last = [each.t for each in came if each.path == f"/{name}"][-2:]
        for began, at in zip((reported, reported_again), last, strict=True):
            assert at - began >= wait, name
            assert at - began < wait + 30, name


def test_a_request_is_signed_at_the_time_of_the_database(
    clock: OwnClock, tracker: ActionTracker, partner: Partner
) -> None:
    clock.set(HOUR)
    with ScriptedReceiver() as receiver:
        postback = make_postback(tracker, partner, url=receiver.url)
        make_key(postback)
        postback.save()
        record_action(tracker, partner)
        (came,) = receiver.wait_for(1)
    assert abs(int(came.headers["webhook-timestamp"]) - time.time()) < HOUR / 2


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_replay_keeps_its_rate_whatever_the_clock_of_its_driver_says(
    clock: OwnClock, tracker: ActionTracker, partner: Partner, seconds: int
) -> None:
    with ScriptedReceiver() as receiver:
        make_postback(tracker, partner, url=receiver.url)
        for _ in range(8):
            record_action(tracker, partner)
        receiver.wait_for(8)
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 10, "all is recorded")
        clock.set(seconds)
        replay = start(Selection(), described="everything", rate=4)
        receiver.wait_for(16)
        wait_until(lambda: Replay.objects.get(pk=replay.pk).state == Replay.State.FINISHED, 10, "it is finished")
        again = Attempt.objects.filter(delivery__replay=replay)
        wait_until(lambda: again.count() == 8, 10, "all is recorded")
    due = sorted(Delivery.objects.filter(replay=replay).values_list("due_at", flat=True))
    assert due[-1] - due[0] >= timedelta(seconds=7 / 4)
    # However late the others are, the last does not come early. The worker knows the database's time not quite exactly.
    assert max(each.started_at for each in again) >= due[-1] - timedelta(seconds=0.5)
