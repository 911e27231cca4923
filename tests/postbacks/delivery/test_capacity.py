"""What a process holds: the room that is left, and which lanes are to be looked at again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from postbacks.delivery import capacity as module
from postbacks.delivery.capacity import LOW_WATER, MAX_CLAIMED, MAX_CLAIMED_BYTES, REPLAYS_BESIDE_LIVE, Capacity
from postbacks.delivery.outcomes import Claimed
from postbacks.models import Delivery
from tests.support.delivery_rows import claimed

LIVE, REPLAY = Delivery.Priority.LIVE, Delivery.Priority.REPLAY
WITHOUT_LIMIT = MAX_CLAIMED


@pytest.fixture
def capacity() -> Capacity:
    return Capacity()


@pytest.fixture
def switching_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def some(count: int, lane: int = 1, priority: int = LIVE, parameters: str = "{}") -> list[Claimed]:
    return [claimed(lane=lane)._replace(priority=priority, parameters=parameters) for _ in range(count)]


def everything(_lane: int) -> int:
    return WITHOUT_LIMIT


def test_what_is_claimed_takes_room_until_it_is_recorded(capacity: Capacity) -> None:
    ones = some(3, lane=1) + some(2, lane=2)
    assert capacity.add(ones) == {1: 3, 2: 2}
    assert (capacity.total, capacity.room()) == (5, MAX_CLAIMED - 5)
    capacity.remove(ones[:4])
    assert (capacity.total, capacity.room()) == (1, MAX_CLAIMED - 1)


def test_large_values_fill_a_process_as_well(capacity: Capacity) -> None:
    large = some(1, parameters="x" * MAX_CLAIMED_BYTES)
    capacity.add(large)
    assert not capacity.find_room()
    capacity.remove(large)
    assert capacity.find_room()


def test_a_full_process_calls_for_a_drain_once_it_has_room_enough(capacity: Capacity) -> None:
    ones = some(MAX_CLAIMED)
    capacity.add(ones)
    assert not capacity.find_room()
    capacity.remove(ones[:LOW_WATER])
    assert capacity.ready(everything) is None, "not for a handful"
    assert capacity.full
    capacity.remove(ones[LOW_WATER : LOW_WATER + 1])
    assert capacity.ready(everything) == set()
    assert not capacity.full
    assert capacity.ready(everything) is None, "once"


def test_a_lane_that_has_its_share_comes_back_when_a_third_of_it_is_free(capacity: Capacity) -> None:
    ones = some(9)
    capacity.add(ones)
    assert capacity.rooms({1: 9, 2: 9}) == {2: 9}
    capacity.remove(ones[:2])
    assert capacity.ready(lambda _: 9) is None
    capacity.remove(ones[2:3])
    assert capacity.ready(lambda _: 9) == {1}
    assert capacity.ready(lambda _: 9) is None


def test_replays_wait_beside_live_traffic_for_their_turn(capacity: Capacity, monkeypatch: pytest.MonkeyPatch) -> None:
    assert capacity.replay_room() is None
    replays = some(REPLAYS_BESIDE_LIVE, priority=REPLAY)
    capacity.add(replays)
    assert capacity.replay_room() is None, "replays alone are no live traffic"
    capacity.add(some(1, lane=2))
    assert capacity.replay_room() == 0
    capacity.put_off_replays({1})
    assert capacity.ready(everything) is None
    capacity.remove(replays[:1])
    assert capacity.replay_room() == 1
    monkeypatch.setattr(module, "REPLAY_PAUSE_SECONDS", 0.0)
    assert capacity.ready(everything) == {1}


def test_a_time_that_has_come_calls_for_a_drain_once(capacity: Capacity) -> None:
    capacity.put_off(3600.0)
    assert capacity.ready(everything) is None
    capacity.put_off(0.0)
    capacity.put_off(0.0)
    assert capacity.ready(everything) == set()
    assert capacity.ready(everything) is None


@pytest.mark.usefixtures("switching_often")
def test_threads_that_add_and_remove_at_once_leave_the_count_right(capacity: Capacity) -> None:
    def claims_and_records(ones: list[Claimed]) -> None:
        for _ in range(300):
            capacity.add(ones)
            capacity.remove(ones)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claims_and_records, [some(20, lane=1) for _ in range(4)]))
    assert capacity.room() == MAX_CLAIMED
    nearly_all = some(1, parameters="x" * (MAX_CLAIMED_BYTES - 1))
    capacity.add(nearly_all)
    assert capacity.find_room(), "no byte is left over"
    capacity.add(some(1, parameters="x"))
    assert not capacity.find_room(), "no byte is missing"
