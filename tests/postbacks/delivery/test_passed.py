"""Where the next claim of a backlog begins."""

from __future__ import annotations

import time

import pytest

from postbacks.delivery import passed
from postbacks.delivery.claim import PLACED, LaneNow, Place
from postbacks.delivery.passed import Passed

FIRST: Place = ("2026-11-20 10:30:00+00", 7)
NEXT: Place = ("2026-11-20 10:30:00+00", 9)
FULL = {1: PLACED}


def ended_at(place: Place | None) -> dict[int, LaneNow]:
    return {1: LaneNow(expected=True, troubled=False, later_seconds=None, replay_seconds=None, last=place)}


@pytest.fixture
def places() -> Passed:
    """Of a lane that has just been claimed from."""
    places = Passed()
    assert places.places(FULL) == {}
    assert places.note(FULL, FULL, ended_at(FIRST)) == set()
    return places


def test_a_claim_that_took_all_that_it_could_is_followed_by_one_from_its_end_on(places: Passed) -> None:
    assert places.places({**FULL, 2: PLACED}) == {1: FIRST}
    assert places.note(FULL, FULL, ended_at(NEXT)) == set()
    assert places.places(FULL) == {1: NEXT}


def test_what_a_claim_takes_of_other_classes_leaves_the_place(places: Passed) -> None:
    assert places.note(FULL, FULL, ended_at(None)) == set()
    assert places.places(FULL) == {1: FIRST}


def test_where_less_was_found_there_may_be_something_before(places: Passed) -> None:
    assert places.note(FULL, {1: PLACED - 1}, ended_at(NEXT)) == {1}
    assert places.places(FULL) == {}
    assert places.note(FULL, {1: PLACED - 1}, ended_at(NEXT)) == set(), "that was all"


def test_a_small_claim_begins_at_the_front(places: Passed) -> None:
    assert places.places({1: PLACED - 1}) == {}


def test_a_place_is_forgotten_soon(places: Passed, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.monotonic() + passed.FORGET_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert places.places(FULL) == {}
