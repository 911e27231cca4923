"""Whatever dies: every delivery arrives, and only what was in flight at that moment may arrive twice."""

from __future__ import annotations

import signal
from collections import Counter

import psutil
import pytest

from optimize_sources.models import MediaSource
from partners.models import ActionTracker
from postbacks.delivery.redis import client
from postbacks.metrics.fold import ALL, fold
from postbacks.models import Attempt, Delivery, Rollup
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers, start_worker

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 2_500
URL = "/in?delivery={DeliveryId}&city={CustomerCity}"


@pytest.fixture
def source() -> MediaSource:
    return make_media_source()


def in_flight() -> set[int]:
    return set(Delivery.objects.filter(state=Delivery.State.SENDING).values_list("pk", flat=True))


def test_killed_children_and_parents_lose_nothing(tracker: ActionTracker, source: MediaSource) -> None:
    with ScriptedReceiver() as receiver, running_workers() as worker:
        postbacks = [make_postback(tracker, source, url=receiver.url + URL, maximum_requests=500) for _ in range(4)]
        made = make_due_deliveries(tracker, postbacks, COUNT)
        may_repeat: set[int] = set()

        receiver.wait_for(COUNT // 10, timeout=20)
        worker.children()[0].send_signal(signal.SIGKILL)
        may_repeat |= in_flight()

        receiver.wait_for(COUNT // 3, timeout=20)
        children = worker.children()
        worker.kill()
        may_repeat |= in_flight()
        wait_until(lambda: not any(child.is_running() for child in children), 20, "orphaned children end")
        with start_worker("heir"):
            wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 60, "all are delivered")
        arrived = Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)

    assert set(arrived) == made
    repeated = {delivery for delivery, times in arrived.items() if times > 1}
    assert repeated <= may_repeat
    assert max(arrived.values()) <= 3
    assert Attempt.objects.count() == COUNT, "one attempt is on record for each, the unrecorded were never known"
    fold(wait=True)
    counted = Rollup.objects.get(period=Rollup.Period.EVER, postback_key=ALL)
    assert (counted.attempts, counted.succeeded, counted.delivered) == (COUNT, COUNT, COUNT), "each is counted once"
    assert (counted.failed, counted.cancelled) == (0, 0)


def test_a_warm_shutdown_finishes_what_is_in_flight(tracker: ActionTracker, source: MediaSource) -> None:
    with ScriptedReceiver() as receiver, running_workers() as worker:
        postback = make_postback(tracker, source, url=receiver.url + URL, maximum_requests=200)
        made = make_due_deliveries(tracker, [postback], 600)
        receiver.wait_for(100, timeout=20)
        worker.stop()
        assert in_flight() == set()
        recorded = Delivery.objects.filter(state="delivered").count()
        assert recorded == len(receiver.arrivals), "every request that was made is on record"
        with start_worker("heir"):
            receiver.wait_for(600, timeout=20)
        arrived = Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)

    assert arrived == Counter(made), "each arrived once"


def test_redis_flushed_under_load_loses_nothing(tracker: ActionTracker, source: MediaSource) -> None:
    with ScriptedReceiver() as receiver, running_workers():
        postbacks = [make_postback(tracker, source, url=receiver.url + URL, maximum_requests=300) for _ in range(3)]
        make_due_deliveries(tracker, postbacks, 1_500)
        receiver.wait_for(150, timeout=20)
        client.flushall()
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 40, "all are delivered")
        arrived = Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)

    assert (len(arrived), max(arrived.values())) == (1_500, 1)


def test_redis_restarted_under_load_loses_nothing(tracker: ActionTracker, source: MediaSource) -> None:
    with ScriptedReceiver() as receiver, running_workers() as worker:
        postbacks = [make_postback(tracker, source, url=receiver.url + URL, maximum_requests=300) for _ in range(3)]
        make_due_deliveries(tracker, postbacks, 1_500)
        receiver.wait_for(150, timeout=20)
        psutil.Process(client.info("server")["process_id"]).kill()  # What supervises it starts it again.
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 60, "all are delivered")
        assert worker.process.poll() is None, "the worker has lived on"
        arrived = Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)

    assert (len(arrived), max(arrived.values())) == (1_500, 1)


@pytest.mark.parametrize("destinations", [1, 1000])
def test_thousands_of_due_deliveries_arrive_once_each(
    tracker: ActionTracker, source: MediaSource, destinations: int
) -> None:
    count = 6_000  # Several for each of a thousand, and a dozen batches of results for one.
    with ScriptedReceiver() as receiver, running_workers():
        postbacks = [make_postback(tracker, source, url=receiver.url + URL) for _ in range(destinations)]
        made = make_due_deliveries(tracker, postbacks, count)
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 150, "all are delivered")
        assert Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals) == Counter(made)


def test_without_beat_everything_is_found_all_the_same(tracker: ActionTracker, source: MediaSource) -> None:
    """Rows that no message tells of: for a worker that starts, and for one that runs."""
    client.flushdb()
    with ScriptedReceiver() as receiver:
        postback = make_postback(tracker, source, url=receiver.url + URL)
        make_due_deliveries(tracker, [postback], 3)
        with start_worker(concurrency=1):
            receiver.wait_for(3, timeout=15)
            make_due_deliveries(make_tracker(), [postback], 3)
            receiver.wait_for(6, timeout=15)
