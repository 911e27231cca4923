"""Lanes in a real Redis: which postbacks have work by when, and when a drain is posted for them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import current_app
from redis.exceptions import RedisError

from postbacks.delivery import ready_queue
from postbacks.delivery.redis import client
from postbacks.tasks import drain
from tests.support.delivery_rows import lane_scores, redis_that_is_gone

pytestmark = pytest.mark.usefixtures("empty_redis")

QUEUE = "postbacks"


def posted() -> list[float]:
    """The drain messages in the broker, oldest first: in how many seconds each is to run."""
    messages: list[Any] = client.lrange(QUEUE, 0, -1)
    return [_seconds_until_eta(json.loads(message)) for message in reversed(messages)]


def _seconds_until_eta(message: dict[str, Any]) -> float:
    assert message["headers"]["task"] == "postbacks.tasks.drain"
    assert json.loads(base64.b64decode(message["body"]))[:2] == [[], {}], "a drain carries no data"
    eta = message["headers"]["eta"]
    return 0.0 if eta is None else (datetime.fromisoformat(eta) - datetime.now(UTC)).total_seconds()


def about(seconds: float) -> object:
    """On a machine with much else to do some seconds pass between one line and the next."""
    return pytest.approx(seconds, abs=5)


def later(seconds: float) -> None:
    """Lets so much time pass at once: all that is kept in Redis moves so far into the past."""
    kept: Any = client.zrange(ready_queue.LANES, 0, -1)
    for lane in kept:
        client.zincrby(ready_queue.LANES, -1000 * seconds, lane)
    timer: Any = client.get(ready_queue.TIMER_POSTED)
    if timer is not None:
        client.set(ready_queue.TIMER_POSTED, float(timer) - 1000 * seconds, keepttl=True)


def test_a_lane_with_work_now_is_popped_once_and_one_drain_is_posted() -> None:
    ready_queue.wake({7: 0.0})
    assert posted() == [0.0]
    assert ready_queue.take_due(10) == [7]
    assert ready_queue.take_due(10) == []


@pytest.mark.parametrize("loaded", [True, False])
def test_a_drain_is_posted_as_the_task_itself_would(loaded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drain.apply_async(countdown=60.0, retry=False)
    if not loaded:
        monkeypatch.delitem(current_app.tasks, drain.name)
    ready_queue.wake({7: 60.0})
    by_name, by_task = (json.loads(message) for message in client.lrange(QUEUE, 0, -1))
    assert _lasting(by_name) == _lasting(by_task)
    assert by_name["body"] == by_task["body"]


def _lasting(message: dict[str, Any]) -> dict[str, Any]:
    """What is the same in each message of a task."""
    headers = {name: value for name, value in message["headers"].items() if name not in ("id", "root_id", "eta")}
    return headers | {"priority": message["properties"]["priority"], **message["properties"]["delivery_info"]}


def test_work_that_was_due_in_the_past_counts_as_now() -> None:
    ready_queue.wake({7: -3600.0})
    assert lane_scores() == {7: about(0)}
    assert ready_queue.take_due(10) == [7]


def test_a_lane_is_popped_no_earlier_than_its_time() -> None:
    ready_queue.wake({7: 30.0, 8: 60.0})
    assert ready_queue.take_due(10) == []
    later(31)
    assert ready_queue.take_due(10) == [7]
    assert lane_scores() == {8: about(29)}


def test_the_most_overdue_lanes_are_popped_first_up_to_the_limit() -> None:
    for lane in (3, 1, 2):
        ready_queue.wake({lane: 0.0})
        later(1)
    assert ready_queue.take_due(2) == [3, 1]
    assert ready_queue.take_due(2) == [2]


def test_a_lane_with_new_work_goes_before_all_that_had_a_full_turn() -> None:
    ready_queue.wake({}, deep=range(1, 1_001))
    ready_queue.wake({2_000: 0.0})
    assert ready_queue.take_due(8) == [2_000, 1, 10, 100, 1000, 101, 102, 103]


def test_lanes_after_a_full_turn_get_a_quarter_however_many_others_are_due() -> None:
    ready_queue.wake(dict.fromkeys(range(1, 51), 0.0))
    ready_queue.wake({}, deep=[91, 92, 93])
    taken = [ready_queue.take_due(8), ready_queue.take_due(8)]
    assert [sorted(lane for lane in lanes if lane > 90) for lanes in taken] == [[91, 92], [93]]
    assert [len(lanes) for lanes in taken] == [8, 8]


def test_a_lane_after_a_full_turn_is_due_at_once_and_somebody_comes() -> None:
    ready_queue.wake({7: 60.0})
    current_app.control.purge()
    client.delete(ready_queue.TIMER_POSTED)
    ready_queue.wake({}, deep=[7])
    assert posted() == [0.0]
    assert ready_queue.take_due(10) == [7]
    assert lane_scores() == {}, "its claim says when it has work next"


@pytest.mark.parametrize("sweeping", [True, False])
def test_a_lane_after_a_full_turn_is_in_the_queue_once(sweeping: bool) -> None:
    ready_queue.wake({}, deep=[7])
    ready_queue.wake({7: 0.0, 8: 0.0}, sweeping=sweeping)
    ready_queue.wake({}, deep=[8])
    assert ready_queue.take_due(10) == [7, 8]
    assert ready_queue.take_due(10) == []


def test_an_earlier_time_replaces_a_later_one_and_never_the_other_way_round() -> None:
    ready_queue.wake({7: 60.0})
    ready_queue.wake({7: 30.0})
    assert lane_scores() == {7: about(30)}
    ready_queue.wake({7: 90.0})
    assert lane_scores() == {7: about(30)}
    ready_queue.wake({7: 0.0})
    assert lane_scores() == {7: about(0)}


def test_the_sweep_leaves_a_lane_alone_that_comes_soon_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_queue, "SWEEP_PATIENCE_MS", 30_000)
    ready_queue.wake({1: 20.0, 2: 60.0}, post=False)
    ready_queue.wake({1: 0.0, 2: 0.0, 3: 0.0}, sweeping=True)
    assert lane_scores() == {1: about(20), 2: about(0), 3: about(0)}


def test_one_outstanding_drain_is_enough() -> None:
    ready_queue.wake({1: 0.0})
    ready_queue.wake({2: 0.0})
    ready_queue.wake({})
    assert posted() == [0.0]


def test_a_drain_that_has_started_makes_room_for_the_next() -> None:
    ready_queue.wake({1: 0.0})
    assert ready_queue.take_due(10) == [1]
    ready_queue.wake({2: 0.0})
    assert posted() == [0.0, 0.0]


def test_a_drain_that_was_lost_is_posted_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    ready_queue.wake({1: 0.0})
    client.delete(QUEUE)
    ready_queue.wake({}, sweeping=True)
    assert posted() == []
    remaining = client.pttl(ready_queue.DRAIN_POSTED)
    assert 0 < remaining <= ready_queue.DRAIN_POSTED_FOR_MS <= 3000
    client.delete(ready_queue.DRAIN_POSTED)  # As Redis does when that time is over.
    ready_queue.wake({}, sweeping=True)
    assert posted() == [0.0]


def test_without_post_the_lanes_go_in_and_nothing_is_posted() -> None:
    ready_queue.wake({1: 0.0, 2: 10.0}, post=False)
    assert lane_scores() == {1: about(0), 2: about(10)}
    assert posted() == []
    ready_queue.wake({})
    assert posted() == [0.0]


def test_work_soon_is_one_message_with_a_countdown_to_the_earliest() -> None:
    ready_queue.wake({1: 90.0, 2: 60.0, 3: 120.0})
    assert posted() == [about(60)]


def test_a_timer_is_not_posted_again_for_what_comes_later_or_with_it() -> None:
    ready_queue.wake({1: 60.0})
    ready_queue.wake({2: 70.0})
    ready_queue.wake({1: 80.0})
    ready_queue.wake({})
    assert posted() == [about(60)]


def test_a_timer_is_posted_for_what_comes_before_the_one_that_is_set() -> None:
    ready_queue.wake({1: 60.0})
    ready_queue.wake({2: 20.0})
    ready_queue.wake({3: 40.0})
    assert posted() == [about(60), about(20)]


def test_once_its_time_is_over_a_timer_counts_no_more() -> None:
    ready_queue.wake({1: 20.0})
    ready_queue.wake({2: 60.0})
    assert posted() == [about(20)]
    later(21)
    assert ready_queue.take_due(10) == [1]
    ready_queue.wake({})
    assert posted() == [about(20), about(39)]


def test_what_lies_beyond_the_look_ahead_is_kept_without_a_message() -> None:
    ready_queue.wake({1: 310.0})
    assert posted() == []
    assert lane_scores() == {1: about(310)}
    ready_queue.wake({2: 299.0})
    assert posted() == [about(299)]


def test_a_timer_that_is_set_does_not_hold_up_what_is_due_now() -> None:
    ready_queue.wake({1: 60.0})
    ready_queue.wake({2: 0.0})
    assert posted() == [about(60), 0.0]


def test_nothing_to_do_posts_nothing() -> None:
    ready_queue.wake({})
    assert posted() == []
    assert ready_queue.take_due(10) == []


def test_a_thousand_lanes_at_once() -> None:
    ready_queue.wake(dict.fromkeys(range(1, 1001), 0.0))
    assert posted() == [0.0]
    popped = [ready_queue.take_due(128) for _ in range(9)]
    assert [len(some) for some in popped] == [128] * 7 + [104, 0]
    assert {lane for some in popped for lane in some} == set(range(1, 1001))


def test_a_flush_in_between_is_survived() -> None:
    ready_queue.wake({1: 60.0})
    client.flushall()
    client.script_flush()
    ready_queue.wake({1: 0.0})
    assert posted() == [0.0]
    assert ready_queue.take_due(10) == [1]


def test_without_redis_a_wake_only_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with redis_that_is_gone(monkeypatch):
        ready_queue.wake({1: 0.0, 2: 0.0})
    assert "Could not wake 2 lanes" in caplog.text
    assert lane_scores() == {}


def test_without_redis_a_drain_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_that_is_gone(monkeypatch):
        for asked in (lambda: ready_queue.take_due(10), lambda: ready_queue.listen("bell", 0.1), ready_queue.has_rung):
            with pytest.raises(RedisError):
                asked()


def test_a_worker_that_stops_posts_again_what_it_may_have_taken() -> None:
    ready_queue.wake({7: 0.0})
    ready_queue.hand_over()
    assert posted() == [0.0, 0.0]
    assert ready_queue.take_due(10) == [7]

    ready_queue.wake({8: 60.0})
    ready_queue.hand_over()
    assert posted() == [0.0, 0.0, about(60), about(60)]


def test_a_worker_stops_without_redis_too(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with redis_that_is_gone(monkeypatch):
        ready_queue.hand_over()
    assert "Could not hand over to other workers" in caplog.text
