"""How much of a worker process one lane may use."""

from __future__ import annotations

from postbacks.delivery.concurrency_limit import FIRST, LARGEST, MOST_IN_FLIGHT, SMALLEST, ConcurrencyLimit


def test_a_newcomer_has_a_small_share_and_holds_three_times_of_it() -> None:
    share = ConcurrencyLimit()
    assert SMALLEST < FIRST < MOST_IN_FLIGHT < LARGEST
    assert (share.in_flight, share.held) == (FIRST, 3 * FIRST)


def test_each_answer_adds_one_up_to_the_most() -> None:
    share = ConcurrencyLimit()
    share.answered()
    assert (share.in_flight, share.held) == (FIRST + 1, 3 * (FIRST + 1))
    for _ in range(2 * LARGEST):
        share.answered()
    assert (share.in_flight, share.held) == (MOST_IN_FLIGHT, 3 * LARGEST)


def test_each_failure_halves_it_down_to_the_least() -> None:
    share = ConcurrencyLimit()
    for _ in range(60):
        share.answered()
    sizes = []
    for _ in range(8):
        share.failed()
        sizes.append(share.in_flight)
    size = FIRST + 60
    assert sizes == [max(SMALLEST, size >> shift) for shift in range(1, 9)]
    assert (share.in_flight, share.held) == (SMALLEST, 3 * SMALLEST)


def test_it_grows_again_from_where_it_fell() -> None:
    share = ConcurrencyLimit()
    for _ in range(10):
        share.failed()
    share.answered()
    assert share.in_flight == SMALLEST + 1
