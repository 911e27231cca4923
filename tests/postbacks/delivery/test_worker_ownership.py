"""Who holds a delivery: processes that lose their connections, or meet locked rows, and live on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from optimize_sources.models import MediaSource
from partners.models import ActionTracker
from postbacks.models import Attempt, Delivery
from tests.support.bulk import make_due_deliveries
from tests.support.delivery_rows import engine_connection, terminate, undelivered
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.receiver import Response, ScriptedReceiver
from tests.support.workers import CeleryProcess, running_workers

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 2_000
URL = "/in?delivery={DeliveryId}&action={ActionId}&event={ActionEvent}"


@pytest.fixture
def source() -> MediaSource:
    return make_media_source()


@pytest.fixture
def slow() -> Iterator[ScriptedReceiver]:
    """Answers after a while, so that there is always something on the wire."""
    with ScriptedReceiver(lambda _: Response(delay_seconds=0.1)) as receiver:
        yield receiver


def all_delivered() -> bool:
    return not Delivery.objects.exclude(state="delivered").exists()


def times_of(receiver: ScriptedReceiver) -> Counter[int]:
    return Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)


@pytest.mark.parametrize("cut", [["recorder"], ["recorder", "sweep", "claim"]], ids=["its lock", "everything"])
def test_connections_that_are_cut_repeat_nothing(
    tracker: ActionTracker, source: MediaSource, slow: ScriptedReceiver, cut: list[str]
) -> None:
    with running_workers() as worker:
        postbacks = [make_postback(tracker, source, url=slow.url + URL, maximum_requests=200) for _ in range(4)]
        made = make_due_deliveries(tracker, postbacks, COUNT)
        for number in range(1, 9):
            slow.wait_for(number * COUNT // 10, timeout=30)
            for name in cut:
                terminate(name)
        wait_until(all_delivered, 60, "all are delivered", lambda: undelivered(worker))
    assert times_of(slow) == Counter(made), "each came once"
    assert Counter(Attempt.objects.values_list("delivery_id", "number")) == Counter((one, 1) for one in made)


@contextmanager
def left_open(statement: str, values: list[object]) -> Iterator[list[int]]:
    """A session that has locked rows and does not go on; yields their ids."""
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(statement, values)
        yield [pk for (pk,) in cursor.fetchall()]


def log_of(worker: CeleryProcess) -> str:
    return worker.log.read_text()


def test_a_locked_row_holds_up_nothing_but_itself(
    tracker: ActionTracker, source: MediaSource, slow: ScriptedReceiver
) -> None:
    with running_workers() as worker:
        postbacks = [make_postback(tracker, source, url=slow.url + URL, maximum_requests=200) for _ in range(4)]
        made = make_due_deliveries(tracker, postbacks, COUNT)
        slow.wait_for(200, timeout=30)
        with left_open("SELECT id FROM postbacks_delivery WHERE state = 'sending' LIMIT 1 FOR UPDATE", []) as locked:
            left = Delivery.objects.exclude(state="delivered")
            wait_until(lambda: left.count() == 1, 30, "all others are delivered")
            assert locked == list(left.values_list("pk", flat=True))
            assert left.get().state == "sending", "nobody has taken it over"
            assert f"among them that of delivery {locked[0]}" in log_of(worker)
            assert "locked by session" in log_of(worker)
            more = make_due_deliveries(make_tracker(), postbacks, 200)
            wait_until(lambda: left.count() == 1, 30, "and what comes later too")
        wait_until(all_delivered, 10, "it is recorded when it is free")
    assert times_of(slow) == Counter(made | more), "each came once"
    assert Attempt.objects.count() == len(made | more)


def test_what_was_answered_does_not_come_again_though_its_process_was_killed_before_it_was_recorded(
    tracker: ActionTracker, source: MediaSource
) -> None:
    with ScriptedReceiver() as receiver, running_workers() as worker:
        postbacks = [make_postback(tracker, source, url=receiver.url + URL) for _ in range(4)]
        with left_open("LOCK TABLE postbacks_attempt IN ACCESS EXCLUSIVE MODE; SELECT 0", []):
            made = make_due_deliveries(tracker, postbacks, 400)
            answered = wait_until_quiet(receiver)
            assert not Delivery.objects.filter(state="delivered").exists(), "nothing is recorded"
            for child in worker.children():
                child.kill()
        wait_until(all_delivered, 60, "all are delivered", lambda: undelivered(worker))
        assert "answers that a process had got when it was killed" in log_of(worker)
    assert answered > 0
    assert times_of(receiver) == Counter(made), "each came once"
    kept = Attempt.objects.values_list("delivery_id", "number", "status", "succeeded", "overlap_of")
    assert Counter(kept) == Counter((one, 1, 200, True, None) for one in made)


def wait_until_quiet(receiver: ScriptedReceiver) -> int:
    """Until nothing is on the wire any more; how many came."""
    came = [-1]

    def has_stopped() -> bool:
        time.sleep(1)
        came.append(len(receiver.arrivals))
        return came[-1] == came[-2] > 0

    wait_until(has_stopped, 20, "nothing more comes")
    return came[-1]
