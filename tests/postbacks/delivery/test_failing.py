"""Whether a postback is failing: at least half of its latest attempts, over several actions, of today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postbacks.delivery.circuit_breaker.failing import ACTIONS_TO_FAIL, LATEST, WITHIN, Tried, is_failing

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tried(results: str, *, actions: int = 20, before: timedelta = timedelta()) -> list[Tried]:
    """Attempts, the newest first: `x` failed, `.` succeeded. Their actions take turns."""
    return [
        Tried(NOW - before - number * MINUTE, number % actions, result == ".") for number, result in enumerate(results)
    ]


@pytest.mark.parametrize(
    ("results", "failing"),
    [
        ("x" * 20, True),
        ("." * 20, False),
        ("x" * 10 + "." * 10, True),
        ("." * 10 + "x" * 10, True),
        ("x" * 9 + "." * 11, False),
        ("." * 11 + "x" * 9, False),
        ("", False),
        ("xx", False),
        ("xxx", True),
        ("xxx...", True),
        ("xxx....", False),
        ("." * 20 + "x" * 500, False),
        ("x" * 20 + "." * 500, True),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else str(value),
)
def test_half_of_the_latest_attempts_decide(results: str, failing: bool) -> None:
    assert is_failing(tried(results), NOW) is failing


def test_too_few_actions_are_their_own_fault() -> None:
    results = "x" * LATEST

    assert not is_failing(tried(results, actions=ACTIONS_TO_FAIL - 1), NOW)
    assert is_failing(tried(results, actions=ACTIONS_TO_FAIL), NOW)


def test_only_failed_actions_count() -> None:
    """Two actions fail again and again, while others go through."""
    attempts = [Tried(NOW, number % 2 if number < 12 else number, number >= 12) for number in range(20)]

    assert not is_failing(attempts, NOW)


def test_what_is_older_than_a_day_says_nothing() -> None:
    assert not is_failing(tried("x" * 20, before=WITHIN + MINUTE), NOW)
    assert is_failing(tried("xxx", before=WITHIN - 2 * MINUTE), NOW)
    assert not is_failing(tried("xxx", before=WITHIN - MINUTE), NOW), "two of them are within the day"


def test_old_successes_do_not_hide_failures_of_today() -> None:
    attempts = [*tried("xxx"), *tried("." * 17, before=WITHIN + MINUTE)]

    assert is_failing(attempts, NOW)
