"""Whose transfer starts next. No sockets: the test starts and finishes transfers itself."""

from __future__ import annotations

from collections import Counter

import pytest

from postbacks.delivery import fair_queue
from postbacks.delivery.concurrency_limit import FIRST
from postbacks.delivery.fair_queue import FairQueue
from postbacks.delivery.outcomes import Prepared
from tests.support.delivery_rows import claimed, prepared


class Air:
    """What is in flight."""

    def __init__(self) -> None:
        self.turns = FairQueue()
        self.flying: list[Prepared] = []

    def add(self, lane: int, count: int = 1, host: str = "receiver.example") -> None:
        for _ in range(count):
            self.turns.add(prepared(claimed(lane=lane), f"http://{host}/in"))

    def start(self) -> list[int]:
        """Starts what may start; the lanes, in order."""
        started = []
        while (one := self.turns.next()) is not None:
            self.flying.append(one)
            started.append(one.claimed.postback_id)
        return started

    def finish(self, lane: int, *, answered: bool = True) -> None:
        """The lane's oldest transfer is over."""
        one = next(one for one in self.flying if one.claimed.postback_id == lane)
        self.flying.remove(one)
        self.turns.finished(one, answered=answered)

    def grow(self, lane: int, size: int, host: str = "receiver.example") -> None:
        """Answers the lane until it may have `size` transfers in flight."""
        while self.turns.share(lane).in_flight < size:
            self.add(lane, host=host)
            self.start()
            self.finish(lane)

    def of_each_lane(self) -> Counter[int]:
        return Counter(one.claimed.postback_id for one in self.flying)


@pytest.fixture
def air() -> Air:
    return Air()


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "MAX_IN_FLIGHT", 12)
    monkeypatch.setattr(fair_queue, "FOR_QUIET_LANES", 4)
    monkeypatch.setattr(fair_queue, "MAX_PER_HOST", 6)


def test_lanes_take_turns_within_their_share(air: Air) -> None:
    air.add(1, FIRST + 2)
    air.add(2, 1)
    assert air.start() == [1, 2, *[1] * (FIRST - 1)]
    assert air.start() == []
    air.finish(1)
    assert air.start() == [1, 1], "an answer makes room for one more than came back"


def test_a_failure_halves_what_a_lane_may_have(air: Air) -> None:
    air.grow(1, 4)
    air.add(1, 9)
    assert air.start() == [1, 1, 1, 1]
    air.finish(1, answered=False)
    air.finish(1, answered=False)
    assert air.start() == []
    assert air.turns.share(1).in_flight == 1


def test_the_last_places_are_for_lanes_with_nothing_in_flight(air: Air) -> None:
    for lane in (1, 2, 3):
        air.grow(lane, 4, host=f"host{lane}")
    for lane in (1, 2, 3):
        air.add(lane, 4, host=f"host{lane}")
    air.start()
    assert sum(air.of_each_lane().values()) == 8
    air.add(4, 9, host="host4")
    assert air.start() == [4]
    assert air.turns.in_flight == 9


def test_those_who_made_room_come_back_one_by_one(air: Air) -> None:
    for lane in (1, 2, 3):
        air.grow(lane, 4, host=f"host{lane}")
    for lane in (1, 2, 3):
        air.add(lane, 4, host=f"host{lane}")
    air.start()
    for left in range(4, 0, -1):
        assert sum(air.of_each_lane().values()) == 8
        air.finish(air.flying[0].claimed.postback_id)
        assert len(air.start()) == 1, f"{left} waited"
    assert air.start() == []


def test_lanes_that_come_and_go_while_it_is_crowded_leave_nothing_behind(air: Air) -> None:
    for hanging in range(10, 19):
        air.add(hanging, host=f"hanging{hanging}")
    air.start()
    for _ in range(50):
        air.add(1, 3)
        for _ in range(3):
            assert air.start() == [1]
            air.finish(1)
    assert len(air.turns._crowded) <= 1
    assert len(air.turns._turn) <= 1
    assert air.turns.in_flight == 9


def test_a_busy_caller_has_few_in_flight_and_each_lane_one(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "FEWEST_IN_FLIGHT", 3)
    for _ in range(99):
        air.turns.busy()
    for lane in range(1, 6):
        air.add(lane, 2, host=f"host{lane}")
    assert air.start() == [1, 2, 3, 4, 5]
    assert air.turns.held_back
    air.finish(2)
    assert air.start() == [2], "there is nothing of it in flight, and the others have one each"


def test_an_idle_caller_has_more_in_flight_up_to_all_that_may_be(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "FEWEST_IN_FLIGHT", 3)
    for lane in (1, 2):
        air.grow(lane, 6, host=f"host{lane}")
    for _ in range(99):
        air.turns.busy()
    for lane in (1, 2):
        air.add(lane, 6, host=f"host{lane}")
    assert len(air.start()) == 3
    air.turns.idle()
    assert (len(air.start()), air.turns.held_back) == (3, True)
    air.turns.idle()
    assert (len(air.start()), air.turns.held_back) == (2, False)
    assert air.of_each_lane() == {1: 4, 2: 4}
    air.finish(1)
    air.turns.busy()
    assert air.start() == [], "it has too much to do for as many"


def test_one_host_gets_only_so_many_whatever_the_number_of_its_lanes(air: Air) -> None:
    air.add(1, 3, host="shared")
    air.add(2, 3, host="shared")
    air.add(3, 3, host="shared")
    air.add(4, 1, host="other")
    air.start()
    assert air.of_each_lane() == {1: 2, 2: 2, 3: 2, 4: 1}
    air.finish(1)
    assert len(air.start()) == 1
    for _ in range(2):
        air.finish(air.flying[0].claimed.postback_id)
        air.start()
    assert sum(air.of_each_lane().values()) == 7


def test_what_is_taken_back_does_not_start_and_its_lane_goes_on(air: Air) -> None:
    air.add(1, FIRST + 2)
    air.add(2, 1)
    air.start()
    assert [one.claimed.postback_id for one in air.turns.take_back(1)] == [1, 1]
    assert air.turns.take_back(1) == air.turns.take_back(99) == []
    air.finish(1)
    assert air.start() == []
    air.add(1, 1)
    assert air.start() == [1]
    air.add(1, 5)
    air.add(2, FIRST + 5)
    air.start()
    left = air.turns.take_back_all()
    assert Counter(one.claimed.postback_id for one in left).keys() <= {1, 2}
    assert air.turns.take_back_all() == []


def test_a_lane_whose_turn_came_to_nothing_has_another(air: Air) -> None:
    air.add(1, 2)
    first = air.turns.next()
    assert first is not None
    air.turns.finished(first, answered=None)
    assert air.start() == [1]
    assert air.turns.in_flight == 1


def test_a_lane_that_moves_to_another_host_counts_for_each_host_what_it_has_there(air: Air) -> None:
    hosts = ("receiver.example", "receiver.example.com", "receiver.example")
    for host in hosts:
        air.add(1, host=host)
        air.start()
        air.turns.finished(air.flying[0], answered=True)
        air.turns.started(air.flying[0])
    in_flight = {name: host.in_flight for name, host in air.turns._hosts.items()}
    assert in_flight == {"receiver.example": 2, "receiver.example.com": 1}
