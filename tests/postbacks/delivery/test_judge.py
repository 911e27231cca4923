"""The thread that judges what takes long: off the sender's, quick lanes first, and none left behind."""

from __future__ import annotations

import threading

import pytest

from postbacks.delivery.judge import SLOW_SECONDS, Judge
from postbacks.delivery.judging import is_quick
from postbacks.delivery.outcomes import Sent
from postbacks.egress.failures import LATE_ANSWER
from tests.support.delivery_rows import claimed, make_answer, prepared, sent
from tests.support.patience import wait_until


def answered(lane: int) -> Sent:
    return sent(prepared(claimed(lane=lane), success="OK"), make_answer(200, b"OK"))


def test_quick_lanes_go_before_those_that_were_slow() -> None:
    seen: list[int] = []
    gate = threading.Event()

    def judge(one: Sent) -> None:
        lane = one.prepared.claimed.postback_id
        if lane == 1:
            gate.wait(SLOW_SECONDS * 3)
        if lane == 3:
            gate.wait(10)
        seen.append(lane)

    thread = Judge(judge)
    thread.start()
    thread.put(answered(1))
    wait_until(lambda: thread._slow == {1}, 5, "the slow lane is known")
    thread.put(answered(3))  # While it is judged, the others queue up.
    for lane in (1, 1, 2, 2):
        thread.put(answered(lane))
    gate.set()
    thread.stop(5)
    assert seen == [1, 3, 2, 2, 1, 1]


def test_a_fault_in_judging_one_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def judge(one: Sent) -> None:
        lane = one.prepared.claimed.postback_id
        if lane == 1:
            raise RuntimeError("a bug")
        seen.append(lane)

    thread = Judge(judge)
    thread.start()
    thread.put(answered(1))
    thread.put(answered(2))
    thread.stop(5)
    assert seen == [2]
    assert "Unexpected error in the judge" in caplog.text


def test_only_what_has_to_be_read_is_judged_off_the_senders_thread() -> None:
    assert is_quick(sent(prepared(claimed()), make_answer(200)))
    assert is_quick(sent(prepared(claimed(), success="200\n404"), make_answer(200)))
    assert is_quick(sent(prepared(claimed(), success="OK"), LATE_ANSWER))
    assert not is_quick(sent(prepared(claimed(), success="OK"), make_answer(200)))
    assert not is_quick(sent(prepared(claimed(), error="/denied/"), make_answer(200)))
