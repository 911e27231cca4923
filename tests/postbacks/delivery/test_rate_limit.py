"""Slots of a limited lane, granted by a real Redis: paced, without bursts, and never past the limit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from threading import Barrier, Thread
from typing import Any

import pytest
from redis.exceptions import RedisError

from postbacks.delivery import rate_limit
from postbacks.delivery.rate_limit import look, reserve
from postbacks.delivery.redis import client
from tests.support.delivery_rows import redis_that_is_gone

LANE = 7


@pytest.fixture(autouse=True)
def old_redis(empty_redis: None) -> None:
    """One that has had its data for long: new lanes have slots at once."""
    look([(LANE, 1)])
    noted: Any = client.get(rate_limit.EPOCH)
    client.set(rate_limit.EPOCH, noted.rpartition(b" ")[0] + b" 0")


def granted(limit: int, wanted: int, lane: int = LANE) -> list[float]:
    """Takes slots; their times in seconds of Redis's clock, to the millisecond."""
    slots = reserve(lane, limit, wanted)
    state: Any = client.get(f"postbacks:rate:lane:{lane}")
    return [float(state) / 1000 - slots.interval_seconds * left for left in range(slots.count, 0, -1)]


def later(lane: int, seconds: float) -> None:
    """Lets so much time pass at once: the lane's next slot moves so far into the past."""
    state: Any = client.get(f"postbacks:rate:lane:{lane}")
    client.set(f"postbacks:rate:lane:{lane}", float(state) - 1000 * seconds)


def most_in_a_second(moments: Sequence[float]) -> int:
    """The largest number within any window of one second."""
    ordered = sorted(moments)
    return max(sum(1 for other in ordered if first <= other < first + 1) for first in ordered)


def offsets(slots: rate_limit.Slots) -> list[float]:
    """The seconds from the grant to each slot."""
    return [window.opens - slots.granted_at for window in slots.windows()]


@pytest.mark.parametrize(("doubt", "late"), [(0.0, 0.035), (0.002, 0.031), (0.01, 0.015), (0.4, 0.015)])
def test_a_request_may_be_as_late_as_the_doubt_about_its_slot_allows(doubt: float, late: float) -> None:
    first, second = rate_limit.Slots(2, 0.5, 0.104, 100.0, doubt).windows()
    assert (*first, *second) == pytest.approx((100.5, 100.5 + late, 100.604, 100.604 + late))


def gaps(moments: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(moments)]


def test_slots_lie_evenly_apart_and_begin_now() -> None:
    slots = reserve(LANE, 10, 5)
    assert (slots.count, slots.first_seconds) == (5, 0.0)
    assert offsets(slots) == pytest.approx([0, 0.104, 0.208, 0.312, 0.416])


def test_the_next_caller_goes_on_where_the_last_one_ended() -> None:
    assert gaps(granted(10, 3) + granted(10, 3)) == pytest.approx([0.104] * 5, abs=0.002)


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (2, 2), (10, 10), (50, 49), (500, 481), (10_000, 9616)])
def test_no_slot_lies_beyond_the_horizon(limit: int, count: int) -> None:
    started = time.monotonic()
    slots = reserve(LANE, limit, 20_000)
    assert slots.count == count
    assert offsets(slots)[-1] <= rate_limit.HORIZON_MS / 1000 < offsets(slots)[-1] + slots.interval_seconds
    again = reserve(LANE, limit, 20_000)
    moved_on_seconds = time.monotonic() - started
    assert again.count <= moved_on_seconds / slots.interval_seconds + 1


def test_a_slot_that_was_not_taken_is_gone() -> None:
    reserve(LANE, 10, 1)
    later(LANE, 0.6)
    slots = reserve(LANE, 10, 50)
    assert (slots.count, slots.first_seconds) == (10, 0.0), "no catching up for the five that were missed"


def test_looking_takes_nothing() -> None:
    reserve(LANE, 10, 4)
    before = client.get(f"postbacks:rate:lane:{LANE}")
    (seen, other) = look([(LANE, 10), (LANE + 1, 1)])
    assert 6 <= seen.count <= 10  # The clock moves on.
    assert 0 <= seen.first_seconds <= 0.416
    assert (other.count, other.first_seconds) == (1, 0.0)
    assert client.get(f"postbacks:rate:lane:{LANE}") == before
    assert client.get(f"postbacks:rate:lane:{LANE + 1}") is None
    assert look([]) == []


def test_a_lane_without_a_free_slot_tells_when_the_next_one_comes() -> None:
    while reserve(LANE, 1, 1).count:
        pass
    later(LANE, -5)
    (slots,) = look([(LANE, 1)])
    assert slots.count == 0
    assert 1.0 < slots.first_seconds <= 6.04


def test_lanes_do_not_share_their_slots() -> None:
    assert reserve(LANE, 1, 1).count == 1
    assert reserve(LANE + 1, 1, 1).count == 1


@pytest.mark.parametrize("limit", [5, 100])
def test_callers_at_once_share_one_lanes_slots(limit: int) -> None:
    barrier = Barrier(4)
    counts: list[int] = []

    def work() -> None:
        barrier.wait(10)
        while count := reserve(LANE, limit, 7).count:
            counts.append(count)

    started = time.monotonic()
    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    ahead_seconds = time.monotonic() - started + rate_limit.HORIZON_MS / 1000
    assert sum(counts) <= ahead_seconds * limit / rate_limit.SPACING + 1
    assert sum(counts) >= int(rate_limit.HORIZON_MS / 1000 * limit / rate_limit.SPACING) + 1, "and all of them are used"


def test_no_second_holds_more_than_the_limit() -> None:
    taken: list[float] = []
    while len(taken) < 10:
        taken += granted(5, 1)
    assert most_in_a_second(taken) <= 5
    assert min(gaps(taken)) >= 1 / 5


def test_a_flush_fails_towards_the_limit() -> None:
    """Slots granted before may be under way for a whole horizon: nothing new until they are over."""
    before = granted(10, 10)
    client.flushall()
    (seen,) = look([(LANE, 10)])
    assert seen.count == 0
    assert seen.first_seconds == pytest.approx(1.104, abs=0.002)
    deadline = time.monotonic() + 20
    while not (after := granted(10, 10) if look([(LANE, 10)])[0].count else []):
        assert time.monotonic() < deadline
    assert most_in_a_second(before + after) <= 10
    assert after[0] > before[-1]


def test_after_a_flush_a_slow_lane_waits_a_slot_longer() -> None:
    client.flushall()
    (slots,) = look([(LANE, 1)])
    assert slots.count == 0
    assert slots.first_seconds == pytest.approx(1.0 + 1.04, abs=0.05)


def test_a_lane_that_rests_has_slots_at_once_as_long_as_the_epoch_is_kept() -> None:
    reserve(LANE, 10, 1)
    client.delete(f"postbacks:rate:lane:{LANE}")
    slots = reserve(LANE, 10, 1)
    assert (slots.count, slots.first_seconds) == (1, 0.0)


def test_a_changed_limit_holds_from_the_next_slot_on() -> None:
    fast = reserve(LANE, 100, 20)
    assert offsets(fast)[-1] == pytest.approx(19 * 0.0104)
    slow = reserve(LANE, 2, 20)
    assert 0 <= slow.first_seconds <= 20 * 0.0104
    assert slow.interval_seconds == pytest.approx(0.52)
    assert slow.count == 2
    next_free: Any = client.get(f"postbacks:rate:lane:{LANE}")
    while not (raised := granted(100, 1)):
        time.sleep(0.01)
    assert raised[0] >= float(next_free) / 1000 - 0.001


def test_the_state_of_a_lane_expires_some_time_after_its_last_slot() -> None:
    reserve(LANE, 10, 5)
    assert 50_000 <= client.pttl(f"postbacks:rate:lane:{LANE}") <= 61_000


def test_without_redis_there_are_no_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_that_is_gone(monkeypatch):
        with pytest.raises(RedisError):
            look([(LANE, 10)])
        with pytest.raises(RedisError):
            reserve(LANE, 10, 1)
