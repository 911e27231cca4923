from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS, RETRY_WAITS, next_delay

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
MIDDLE = 0.5  # Of the random shares: no jitter on the schedule.


def delay(attempts_made: int, retry_after: str | None = None, share: float = MIDDLE) -> timedelta:
    result = next_delay(attempts_made, retry_after, NOW, random_share=lambda: share)
    assert result is not None
    return result


def test_fifteen_attempts_are_spread_over_three_days() -> None:
    assert MAXIMUM_ATTEMPTS == 15
    waits = [delay(made) for made in range(1, 15)]
    assert [wait.total_seconds() for wait in waits] == [
        *(5, 15, 30, 60, 120, 300, 900, 1800),
        *(hours * 3600 for hours in (1, 2, 4, 8, 24, 32)),
    ]
    assert timedelta(days=2, hours=23) < sum(waits, timedelta()) < timedelta(days=3)


@pytest.mark.parametrize("made", [15, 16, 100])
def test_after_the_last_attempt_there_is_none(made: int) -> None:
    assert next_delay(made, None, NOW) is None
    assert next_delay(made, "5", NOW) is None


def test_jitter_is_a_tenth_to_either_side() -> None:
    assert delay(4, share=0.0) == timedelta(seconds=54)
    assert delay(4, share=0.999999) == pytest.approx(timedelta(seconds=66), abs=timedelta(milliseconds=1))


def test_the_default_jitter_varies() -> None:
    delays = {next_delay(8, None, NOW) for _ in range(20)}
    assert len(delays) > 1
    assert all(wait is not None and timedelta(minutes=27) <= wait <= timedelta(minutes=33) for wait in delays)


@pytest.mark.parametrize(
    "header",
    [
        "600",
        " 600 ",
        "0600",
        "Wed, 01 Jul 2026 12:10:00 GMT",
        "Wednesday, 01-Jul-26 12:10:00 GMT",
        "Wed Jul  1 12:10:00 2026",
    ],
)
def test_retry_after_is_read_in_all_its_forms(header: str) -> None:
    assert delay(1, header, share=0.0) == timedelta(minutes=10)


def test_retry_after_is_a_least_wait_with_jitter_only_on_top() -> None:
    assert delay(1, "600", share=0.0) == timedelta(seconds=600)
    assert delay(1, "600", share=MIDDLE) == timedelta(seconds=630)


@pytest.mark.parametrize("header", ["0", "1", "Wed, 01 Jul 2026 11:00:00 GMT"])
def test_retry_after_never_brings_an_attempt_forward(header: str) -> None:
    assert delay(5, header) == RETRY_WAITS[4]


@pytest.mark.parametrize("header", ["86401", "9" * 20, "9" * 5000, "Fri, 01 Jan 2049 00:00:00 GMT"])
def test_retry_after_is_capped_at_a_day(header: str) -> None:
    assert delay(1, header, share=0.0) == timedelta(hours=24)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "²", "5 minutes", "Wed, 99 Jul 2026 12:10:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_as_good_as_absent(header: str | None) -> None:
    assert delay(2, header) == timedelta(seconds=15)


@given(st.text(alphabet="0123456789 :,-+GMTWedJul\x00é²") | st.text(), st.integers(1, 14), st.floats(0, 0.999))
def test_whatever_the_header_the_wait_lies_between_the_schedule_and_the_cap(
    header: str, made: int, share: float
) -> None:
    scheduled = delay(made, share=share)
    assert scheduled <= delay(made, header, share) <= max(scheduled, timedelta(hours=24) * 1.1)
