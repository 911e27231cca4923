"""How much of a worker process one lane may use."""

from __future__ import annotations

from postbacks.engine.share import Share


def test_a_lane_begins_in_the_middle() -> None:
    share = Share()
    assert (share.in_flight, share.held) == (64, 128)


def test_each_answer_adds_one_up_to_the_most() -> None:
    share = Share()
    share.answered()
    assert (share.in_flight, share.held) == (65, 130)
    for _ in range(1_000):
        share.answered()
    assert (share.in_flight, share.held) == (256, 1024)


def test_each_failure_halves_it_down_to_the_least() -> None:
    share = Share()
    sizes = []
    for _ in range(5):
        share.failed()
        sizes.append(share.in_flight)
    assert sizes == [32, 16, 8, 8, 8]
    assert share.held == 16


def test_it_grows_again_from_where_it_fell() -> None:
    share = Share()
    share.failed()
    share.answered()
    assert share.in_flight == 33
