"""The sender's thread against real receivers: fair among lanes, true to slots, and nothing lost at the end."""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import get_ident
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from postbacks.delivery import fair_queue
from postbacks.delivery import sender as sender_module
from postbacks.delivery.concurrency_limit import FIRST, SMALLEST
from postbacks.delivery.sender import Sender
from postbacks.delivery.waiting import SelectorWaiter, make_waiter
from postbacks.egress.answer import Answer as Received
from postbacks.egress.failures import Code, Failure
from tests.support.delivery_rows import claimed, prepared
from tests.support.patience import wait_until
from tests.support.receiver import Answer, Close, Hang, ScriptedReceiver
from tests.support.receiver import Response as Reply
from tests.support.sending import Outcomes, ids, lanes_of, ready, slotted

pytestmark = pytest.mark.usefixtures("loopback_is_allowed")

# How long answers take where requests are to be in the air meanwhile: a busy machine gets to the next line by then.
IN_THE_AIR_SECONDS = 2


def portable_waiter() -> SelectorWaiter:
    return SelectorWaiter(selectors.SelectSelector())


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture(params=[make_waiter, portable_waiter])
def sender(request: pytest.FixtureRequest, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    """Waits as this platform does best, and as others may have to."""
    monkeypatch.setattr(sender_module, "make_waiter", request.param)
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    yield sender
    sender.stop(0)
    assert not sender.alive


def test_what_is_put_in_comes_out_once_with_its_own_answer(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    receiver.script = lambda arrival: Reply(200, arrival.path + arrival.body, delay_seconds=0.02)
    waiting = [one for lane in (1, 2, 3) for one in ready(receiver, lane, 30)]
    for place, one in enumerate(waiting):  # Handles are used again, for another method than before.
        if place % 2 == 0:
            body = str(one.claimed.delivery_id).encode()
            waiting[place] = one._replace(request=one.request._replace(method="POST", body=body))
    sender.put(waiting[:40])
    sender.put(waiting[40:])
    sent = outcomes.wait_for(90)

    assert ids(one.prepared for one in sent) == ids(waiting)
    for done in sent:
        request = done.prepared.request
        assert isinstance(done.answer, Received)
        echoed = str(done.prepared.claimed.delivery_id) if request.body else ""
        assert done.answer.content.decode() == urlsplit(request.url).path + echoed
        assert done.duration_seconds >= 0.02
    assert len(receiver.arrivals) == 90
    assert outcomes.unsent == []
    assert outcomes.threads.isdisjoint({get_ident()})


def test_each_failure_is_its_own_deliverys(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver, settings: Settings
) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 2
    script: dict[str, Answer] = {"/close": Close(), "/hang": Hang()}
    receiver.script = lambda arrival: script.get(arrival.path, Reply())
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        unheard = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    expected = {
        receiver.url + "/fine": None,
        receiver.url + "/close": Code.BROKEN,
        receiver.url + "/hang": Code.TIMEOUT,
        unheard: Code.REFUSED,
        "http://a b/": Code.INVALID_URL,
        "http://127.0.0.1/\udcff": Code.INVALID_URL,
        receiver.url + "/fine too": Code.INVALID_URL,
        receiver.url + "/last": None,
    }
    sender.put([prepared(claimed(lane=lane), url) for lane, url in enumerate(expected)])
    sent = {done.prepared.request.url: done.answer for done in outcomes.wait_for(len(expected))}
    assert {url: got.code if isinstance(got, Failure) else None for url, got in sent.items()} == expected
    assert len(receiver.arrivals) == 4
    assert outcomes.unsent == []


def test_a_destination_that_hangs_does_not_delay_another(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver, settings: Settings
) -> None:
    with ScriptedReceiver(lambda _: Hang()) as hanging:
        sender.put(ready(hanging, 1, 100))
        hanging.wait_for(FIRST)
        sender.put(ready(receiver, 2, 50))
        outcomes.wait_for(50)
        assert {done.prepared.claimed.postback_id for done in outcomes.sent} == {2}
        assert len(hanging.arrivals) == FIRST, "no more than its share is in the air"
        hanging.stop()  # And so all that hung has failed.
        outcomes.wait_for(50 + FIRST)
        wait_until(lambda: sender.share(1) == 3 * SMALLEST, 20, "and that share has shrunk")


def test_lanes_take_turns(
    outcomes: Outcomes, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch, sender: Sender
) -> None:
    monkeypatch.setattr(fair_queue, "MAX_IN_FLIGHT", 3)
    monkeypatch.setattr(fair_queue, "FOR_QUIET_LANES", 0)
    receiver.script = lambda _: Reply(delay_seconds=0.005)
    sender.put(ready(receiver, 1, 120))
    receiver.wait_for(10)
    sender.put(ready(receiver, 2, 20) + ready(receiver, 3, 20))
    outcomes.wait_for(160)
    order = lanes_of(receiver.arrivals)
    together = order[order.index(2) : order.index(2) + 60]
    assert order.index(2) < 60
    # Which of the three in the air arrives first is anybody's guess, so a lane may be ahead by a few.
    assert max(abs(together[:n].count(lane) - n / 3) for n in range(60) for lane in (1, 2, 3)) <= 4


def test_a_receiver_that_takes_its_time_gets_all_that_its_share_allows(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    many = 2 * fair_queue.FEWEST_IN_FLIGHT
    sender.put(ready(receiver, 1, many))
    outcomes.wait_for(many)
    receiver.script = lambda _: Hang()
    sender.put(ready(receiver, 1, many))
    receiver.wait_for(2 * many)
    assert len(outcomes.sent) == many


def test_what_is_left_when_it_is_nearly_full_is_for_quiet_lanes(
    outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch, sender: Sender
) -> None:
    monkeypatch.setattr(fair_queue, "MAX_IN_FLIGHT", 8)
    monkeypatch.setattr(fair_queue, "FOR_QUIET_LANES", 4)
    with ScriptedReceiver(lambda _: Hang()) as hanging, ScriptedReceiver() as receiver:
        sender.put([one for lane in (1, 2) for one in ready(hanging, lane, 20)])
        hanging.wait_for(4)
        sender.put(ready(receiver, 3, 10))
        assert {done.prepared.claimed.postback_id for done in outcomes.wait_for(10)} == {3}
        assert sorted(lanes_of(hanging.arrivals)) == [1, 1, 2, 2]


def test_a_lanes_share_grows_with_answers_and_shrinks_with_failures(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    assert sender.share(1) == 3 * FIRST
    sender.put(ready(receiver, 1, 100))
    outcomes.wait_for(100)
    assert sender.share(1) == 3 * (FIRST + 100)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        unheard = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    sender.put([prepared(claimed(), unheard) for _ in range(3)])
    outcomes.wait_for(103)
    assert sender.share(1) == 3 * ((FIRST + 100) // 8)
    assert sender.share(2) == 3 * FIRST


def test_a_lane_that_is_recalled_hands_back_what_was_not_started_and_no_other_does(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    receiver.script = lambda _: Reply(delay_seconds=IN_THE_AIR_SECONDS)
    queued, other, later = ready(receiver, 1, FIRST + 3), ready(receiver, 2, FIRST + 3), slotted(receiver, 60, 61)
    sender.put(queued + other + later)
    receiver.wait_for(2 * FIRST)
    sender.recall(1)
    outcomes.wait_for(2 * FIRST + 3)
    assert ids(outcomes.unsent) == ids(queued[FIRST:] + later)
    sender.put(ready(receiver, 1, 1))
    outcomes.wait_for(2 * FIRST + 4)
    assert lanes_of(receiver.arrivals).count(1) == FIRST + 1


def test_what_has_a_slot_never_leaves_before_its_time(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    waiting = slotted(receiver, 0.14, 0.10, 0.12, 0.11, 0.13, late=20)  # A busy machine may miss one.
    sender.put(waiting)
    sent = outcomes.wait_for(5)
    slots = {urlsplit(one.request.url).path: one.window.opens for one in waiting if one.window is not None}
    assert min(arrival.t - slots[arrival.path] for arrival in receiver.arrivals) >= 0
    left = [one.prepared.window for one in sorted(sent, key=lambda one: one.started_at)]
    assert left == sorted(one.window for one in waiting if one.window is not None)


def test_a_slot_that_was_missed_goes_back(sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver) -> None:
    late, good = slotted(receiver, -21, 0.05, late=20)
    sender.put([late, good])
    outcomes.wait_for(1)
    assert ids(outcomes.unsent) == [late.claimed.delivery_id]
    assert [arrival.path for arrival in receiver.arrivals] == [urlsplit(good.request.url).path]


def test_slots_that_pass_while_everything_is_busy_go_back(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_queue, "MAX_IN_FLIGHT", 1)
    receiver.script = lambda _: Reply(delay_seconds=IN_THE_AIR_SECONDS)
    sender.put(ready(receiver))
    receiver.wait_for(1)
    missed = slotted(receiver, 0.0, 0.02)
    sender.put(missed)
    wait_until(lambda: len(outcomes.unsent) == 2, 5, "both go back")
    assert ids(outcomes.unsent) == ids(missed)
    assert len(receiver.arrivals) == 1


def test_what_could_outlive_its_lease_is_not_started(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver, settings: Settings
) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 15
    enough, short = claimed(lease_seconds=20), claimed(lease_seconds=14)
    sender.put([prepared(one, f"{receiver.url}/{one.delivery_id}") for one in (short, enough)])
    outcomes.wait_for(1)
    assert ids(outcomes.unsent) == [short.delivery_id]
    assert [arrival.path for arrival in receiver.arrivals] == [f"/{enough.delivery_id}"]


def test_stopping_hands_back_what_waits_and_finishes_what_is_in_the_air(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    receiver.script = lambda _: Reply(delay_seconds=IN_THE_AIR_SECONDS)
    queued, later = ready(receiver, 1, FIRST + 30), slotted(receiver, 60.0)
    sender.put(queued + later)
    receiver.wait_for(FIRST)
    sender.stop(20)
    assert not sender.alive
    assert ids(done.prepared for done in outcomes.sent) == ids(queued[:FIRST])
    assert all(isinstance(done.answer, Received) for done in outcomes.sent)
    assert ids(outcomes.unsent) == ids(queued[FIRST:] + later)
    assert len(receiver.arrivals) == FIRST


def test_stopping_waits_only_so_long(sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver) -> None:
    receiver.script = lambda _: Hang()
    sender.put(ready(receiver, 1, FIRST))
    receiver.wait_for(FIRST)
    sender.stop(0.2)
    assert not sender.alive
    assert (outcomes.sent, outcomes.unsent) == ([], []), "nobody knows what came of them; their owner will be dead"


def test_what_comes_in_with_the_stop_goes_back(
    outcomes: Outcomes, receiver: ScriptedReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    waiting = [one for lane in (1, 2) for one in ready(receiver, lane, 3)]
    sender.put(waiting)
    sender._stop_at = time.monotonic() + 5
    sender.start()
    sender.stop(5)
    assert ids(outcomes.unsent) == ids(waiting)
    assert (outcomes.sent, receiver.arrivals) == ([], [])
    assert caplog.text == ""


def test_a_listener_that_raises_does_not_end_it(
    sender: Sender, outcomes: Outcomes, receiver: ScriptedReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes.fail_next = True
    sender.put(ready(receiver))
    outcomes.wait_for(1)
    sender.put(ready(receiver))
    outcomes.wait_for(2)
    assert "Unexpected error in the sender" in caplog.text


def test_more_transfers_than_a_process_may_usually_have_descriptors(
    outcomes: Outcomes, receiver: ScriptedReceiver
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/dev/fd").iterdir()))
    receiver.script = lambda _: Reply(delay_seconds=0.3)
    waiting = [one for lane in range(10) for one in ready(receiver, lane, 20)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 40, hard))
    try:
        sender = Sender(outcomes.on_sent, outcomes.on_unsent)
        sender.start()
        sender.put(waiting)
        sent = outcomes.wait_for(200)
        sender.stop(1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [type(done.answer) for done in sent if not isinstance(done.answer, Received)] == []
