"""Processes that are awake: the bell calls one of them, and no message is posted while it is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from postbacks.delivery import ready_queue
from postbacks.delivery.bell import Bell
from postbacks.delivery.redis import client
from tests.support.delivery_rows import lane_scores, redis_that_is_gone
from tests.support.patience import wait_until

pytestmark = pytest.mark.usefixtures("empty_redis")

QUEUE = "postbacks"


class Process:
    """One that is awake. `took` has the lanes of each of its drains; one that `hangs` does not come when called."""

    def __init__(self, number: int) -> None:
        self.took: list[list[int]] = []
        self.called = 0
        self.hangs = False
        self.able = True
        self.bell = Bell(number, self._drain, lambda: self.able)
        self.bell.start()

    def _drain(self) -> None:
        self.called += 1
        if not self.hangs:
            self.took.append(ready_queue.take_due(10))


@contextmanager
def awake(count: int) -> Iterator[list[Process]]:
    with ExitStack() as stack:
        processes = [Process(number) for number in range(count)]
        for process in processes:
            stack.callback(process.bell.stop)
        wait_until(lambda: waiting() == count, 5, "all wait at the bell")
        yield processes


def waiting() -> int:
    found: int = client.info("clients")["blocked_clients"]
    return found


def all_taken(processes: list[Process]) -> list[int]:
    return sorted(lane for process in processes for lanes in process.took for lane in lanes)


def wait_for_it(lane: int, processes: list[Process]) -> None:
    wait_until(lambda: lane in all_taken(processes), 5, f"lane {lane} is taken")


def test_while_a_process_is_awake_it_takes_what_is_due_and_no_message_is_posted() -> None:
    with awake(1) as (process,):
        for lane in range(1, 6):
            ready_queue.wake({lane: 0.0})
            wait_for_it(lane, [process])
        assert client.llen(QUEUE) == 0


def test_of_several_one_comes_and_they_take_turns() -> None:
    with awake(3) as processes:
        for lane in range(1, 10):
            ready_queue.wake({lane: 0.0})
            wait_for_it(lane, processes)
            wait_until(lambda: waiting() == 3, 15, "all wait again")
        assert all_taken(processes) == list(range(1, 10))
        # After a process that is slow to come, another is called. All three each time would be 27.
        assert 9 <= sum(process.called for process in processes) <= 13, "nobody is called for nothing"
        assert all(process.called for process in processes)
    assert client.llen(QUEUE) == 0


def test_with_nobody_awake_a_message_is_posted() -> None:
    with awake(1):
        pass
    ready_queue.hand_over()
    ready_queue.wake({1: 0.0})
    assert client.llen(QUEUE) == 1
    assert client.llen(ready_queue.BELL) == 0


def test_a_delay_is_a_message_with_a_countdown_though_a_process_is_awake() -> None:
    with awake(1) as (process,):
        ready_queue.wake({1: 60.0})
        assert client.llen(QUEUE) == 1
        assert process.called == 0
        assert lane_scores() == {1: pytest.approx(60, abs=5)}


def test_a_second_process_comes_when_the_one_that_was_called_hangs() -> None:
    with awake(2) as processes:
        hung, healthy = processes
        hung.hangs = healthy.hangs = True
        ready_queue.wake({1: 0.0})
        wait_until(lambda: bool(hung.called or healthy.called), 5, "one is called")
        for process in processes:
            process.hangs = bool(process.called)
        wait_until(lambda: all_taken(processes) == [1], 0.5, "the other comes: no sweep and no message is needed")
    assert client.llen(QUEUE) == 0


def test_when_all_that_are_awake_hang_whoever_wakes_next_posts_a_message() -> None:
    with awake(1) as (process,):
        process.hangs = True
        ready_queue.wake({1: 0.0})
        wait_until(lambda: process.called == 1, 5, "it is called")
        time.sleep(ready_queue.COMES_WITHIN_MS / 1000)
        ready_queue.wake({}, sweeping=True)
        assert client.llen(QUEUE) == 1
        ready_queue.wake({2: 0.0})
        assert client.llen(QUEUE) == 1, "one is enough"
        assert ready_queue.take_due(10) == [1, 2]  # As the message does.
        process.hangs = False
        ready_queue.wake({3: 0.0})
        wait_until(lambda: process.took[-1:] == [[3]], 5, "the bell is heard again")
        assert client.llen(QUEUE) == 1


def test_a_process_that_cannot_claim_does_not_answer_the_bell() -> None:
    with awake(2) as processes:
        unable, able = processes
        unable.able = False
        wait_until(lambda: waiting() == 1, 5, "it waits no longer")
        for lane in range(1, 5):
            ready_queue.wake({lane: 0.0})
            wait_for_it(lane, processes)
        assert (unable.called, able.called) == (0, 4)


def test_after_a_flush_the_bell_is_heard_again_within_seconds() -> None:
    with awake(1) as (process,):
        client.flushall()
        client.script_flush()
        ready_queue.wake({1: 0.0})
        assert client.llen(QUEUE) == 1, "nobody is known to be awake"
        wait_until(lambda: bool(client.exists(ready_queue.AWAKE)), 3, "it says so again")
        ready_queue.take_due(10)
        ready_queue.wake({2: 0.0})
        wait_until(lambda: process.took == [[2]], 5, "it is called")
        assert client.llen(QUEUE) == 1


def test_processes_of_the_previous_release_get_messages_beside_one_that_is_awake() -> None:
    """They know neither the bell nor who is awake: their wake sets the flag and posts."""
    with awake(1) as (process,):
        assert client.set(ready_queue.DRAIN_POSTED, 1, nx=True, px=ready_queue.DRAIN_POSTED_FOR_MS)
        ready_queue.wake({1: 0.0})
        wait_until(lambda: process.took == [[1]], 5, "a message that is under way holds up nobody who is awake")
        assert not client.exists(ready_queue.DRAIN_POSTED), "their next one is posted again"


def test_stopping_ends_the_wait_at_once_and_what_was_called_is_handed_over() -> None:
    with awake(1) as (process,):
        process.hangs = True
        ready_queue.wake({1: 0.0})
        wait_until(lambda: process.called == 1, 5, "it is called")
        wait_until(lambda: waiting() == 1, 5, "it waits again")
        began = time.monotonic()
        process.bell.stop()
        assert time.monotonic() - began < 0.5
    ready_queue.hand_over()
    assert client.llen(QUEUE) == 1


def test_without_redis_it_waits_and_goes_on_afterwards(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("postbacks.delivery.bell.OUTAGE_SECONDS", 0.01)
    with awake(1) as (process,):
        with redis_that_is_gone(monkeypatch):
            wait_until(lambda: "Cannot wait for work in Redis" in caplog.text, 5, "it says so")
        ready_queue.wake({1: 0.0})
        wait_until(lambda: process.took == [[1]], 5, "it listens again")


def test_an_error_does_not_end_it(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbacks.delivery.bell.OUTAGE_SECONDS", 0.01)
    came = threading.Event()

    def fail_once() -> Callable[[], None]:
        calls = iter([RuntimeError("a bug")])

        def drain() -> None:
            ready_queue.take_due(10)
            for bug in calls:
                raise bug
            came.set()

        return drain

    bell = Bell(7, fail_once(), lambda: True)
    bell.start()
    try:
        wait_until(lambda: waiting() == 1, 5, "it waits at the bell")
        ready_queue.wake({1: 0.0})
        wait_until(lambda: "Unexpected error while waiting for work" in caplog.text, 5, "it says so")
        wait_until(lambda: waiting() == 1, 5, "it waits again")
        ready_queue.wake({2: 0.0})
        assert came.wait(5)
    finally:
        bell.stop()
