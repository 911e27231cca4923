"""What a process holds: the room that is left, and which lanes are to be looked at again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from postbacks.delivery import holdings as module
from postbacks.delivery.holdings import LOW_WATER, MAX_HELD, MAX_HELD_BYTES, REPLAYS_BESIDE_LIVE, Holdings
from postbacks.delivery.outcomes import Claimed
from postbacks.models import Delivery
from tests.support.delivery_rows import claimed

LIVE, REPLAY = Delivery.Priority.LIVE, Delivery.Priority.REPLAY
WITHOUT_LIMIT = MAX_HELD


@pytest.fixture
def holdings() -> Holdings:
    return Holdings()


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


def test_what_is_claimed_takes_room_until_it_is_recorded(holdings: Holdings) -> None:
    ones = some(3, lane=1) + some(2, lane=2)
    assert holdings.add(ones) == {1: 3, 2: 2}
    assert (holdings.total, holdings.room()) == (5, MAX_HELD - 5)
    holdings.remove(ones[:4])
    assert (holdings.total, holdings.room()) == (1, MAX_HELD - 1)


def test_large_values_fill_a_process_as_well(holdings: Holdings) -> None:
    large = some(1, parameters="x" * MAX_HELD_BYTES)
    holdings.add(large)
    assert not holdings.find_room()
    holdings.remove(large)
    assert holdings.find_room()


def test_a_full_process_calls_for_a_drain_once_it_has_room_enough(holdings: Holdings) -> None:
    ones = some(MAX_HELD)
    holdings.add(ones)
    assert not holdings.find_room()
    holdings.remove(ones[:LOW_WATER])
    assert holdings.ready(everything) is None, "not for a handful"
    assert holdings.full
    holdings.remove(ones[LOW_WATER : LOW_WATER + 1])
    assert holdings.ready(everything) == set()
    assert not holdings.full
    assert holdings.ready(everything) is None, "once"


def test_a_lane_that_has_its_share_comes_back_when_half_of_it_is_free(holdings: Holdings) -> None:
    ones = some(8)
    holdings.add(ones)
    assert holdings.rooms({1: 8, 2: 8}) == {2: 8}
    holdings.remove(ones[:3])
    assert holdings.ready(lambda _: 8) is None
    holdings.remove(ones[3:4])
    assert holdings.ready(lambda _: 8) == {1}
    assert holdings.ready(lambda _: 8) is None


def test_replays_wait_beside_live_traffic_for_their_turn(holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert holdings.replay_room() is None
    replays = some(REPLAYS_BESIDE_LIVE, priority=REPLAY)
    holdings.add(replays)
    assert holdings.replay_room() is None, "replays alone are no live traffic"
    holdings.add(some(1, lane=2))
    assert holdings.replay_room() == 0
    holdings.put_off_replays({1})
    assert holdings.ready(everything) is None
    holdings.remove(replays[:1])
    assert holdings.replay_room() == 1
    monkeypatch.setattr(module, "REPLAY_PAUSE_SECONDS", 0.0)
    assert holdings.ready(everything) == {1}


def test_a_time_that_has_come_calls_for_a_drain_once(holdings: Holdings) -> None:
    holdings.put_off(3600.0)
    assert holdings.ready(everything) is None
    holdings.put_off(0.0)
    holdings.put_off(0.0)
    assert holdings.ready(everything) == set()
    assert holdings.ready(everything) is None


@pytest.mark.usefixtures("switching_often")
def test_threads_that_add_and_remove_at_once_leave_the_count_right(holdings: Holdings) -> None:
    def claims_and_records(ones: list[Claimed]) -> None:
        for _ in range(300):
            holdings.add(ones)
            holdings.remove(ones)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claims_and_records, [some(20, lane=1) for _ in range(4)]))
    assert holdings.room() == MAX_HELD
    nearly_all = some(1, parameters="x" * (MAX_HELD_BYTES - 1))
    holdings.add(nearly_all)
    assert holdings.find_room(), "no byte is left over"
    holdings.add(some(1, parameters="x"))
    assert not holdings.find_room(), "no byte is missing"
