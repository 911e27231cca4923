"""Durations as operators type them."""

import pytest

from postbacks.durations import format_duration, parse_duration

DAY = 86_400


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("90", 90),
        (90, 90),
        (" 90 ", 90),
        ("0", 0),
        ("", 0),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7_200),
        ("3d", 3 * DAY),
        ("1h 30m", 5_400),
        ("1H30M", 5_400),
        ("1d 2h 3m 4s", DAY + 2 * 3_600 + 3 * 60 + 4),
        ("30d", 30 * DAY),
        ("2592000", 30 * DAY),
    ],
)
def test_a_duration_is_seconds_or_numbers_with_units(typed: str | int, seconds: int) -> None:
    assert parse_duration(typed) == seconds


@pytest.mark.parametrize("typed", ["soon", "15 min", "-5", "1.5h", "5w", "h", "1h 30", "٣m", "1e3"])
def test_what_is_no_duration_says_how_to_write_one(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration. Write seconds, or 90s, 15m, 2h, 3d."):
        parse_duration(typed)


@pytest.mark.parametrize("typed", ["31d", "2592001", "30d 1s", "999999999d"])
def test_more_than_thirty_days_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is too long. Write at most 30 days \(30d\)."):
        parse_duration(typed)


def test_a_unit_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r'"1h 2h" gives h twice'):
        parse_duration("1h 2h")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (5, "5s"), (60, "1m"), (90, "90s"), (120, "2m"), (150, "2m 30s"), (5_400, "1h 30m"), (3 * DAY, "3d")],
)
def test_a_duration_is_shown_as_it_would_be_typed(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [0, 1, 59, 61, 119, 121, 3_599, 3_661, DAY - 1, DAY + 1, 29 * DAY + 86_399])
def test_what_is_shown_reads_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
