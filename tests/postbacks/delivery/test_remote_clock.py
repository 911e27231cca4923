"""Moments of a server's clock on ours, however late its answers come."""

from __future__ import annotations

import random

import pytest

from postbacks.delivery.remote_clock import DRIFT, RemoteClock

DIFFERENCE = 1_000_000.0


def exchange(clock: RemoteClock, at: float, there: float, back: float, difference: float = DIFFERENCE) -> None:
    clock.note(at, at + there + back, at + there + difference)


def test_a_late_answer_is_placed_by_the_quick_ones() -> None:
    clock = RemoteClock()
    exchange(clock, 10.0, 0.001, 0.001)
    exchange(clock, 11.0, 0.001, 0.7)
    assert clock.here(DIFFERENCE + 11.001, 11.701) == pytest.approx(11.001, abs=0.002)
    assert clock.doubt(11.701) < 0.002


def test_before_any_quick_one_the_doubt_is_known() -> None:
    clock = RemoteClock()
    assert clock.doubt(10.0) == float("inf")
    exchange(clock, 10.0, 0.0, 0.7)
    assert clock.doubt(10.7) == pytest.approx(0.35)


def test_a_clock_that_is_set_is_followed_at_once() -> None:
    clock = RemoteClock()
    exchange(clock, 10.0, 0.001, 0.001)
    exchange(clock, 11.0, 0.01, 0.01, DIFFERENCE + 5)
    assert clock.here(DIFFERENCE + 5 + 11.0, 11.02) == pytest.approx(11.0, abs=0.01)


def test_it_is_never_further_off_than_it_says_while_the_clocks_drift() -> None:
    dice, clock = random.Random(7), RemoteClock()  # noqa: S311 -- no secret
    for second in range(10, 3_000):
        there, back = dice.expovariate(100), dice.expovariate(100)
        exchange(clock, second, there, back, DIFFERENCE + DRIFT / 2 * second)
        now = second + there + back
        off = abs(clock.here(DIFFERENCE + DRIFT / 2 * now + now, now) - now)
        assert off <= clock.doubt(now) + 1e-6
        assert clock.doubt(now) < 0.2
