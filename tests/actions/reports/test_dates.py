"""Dates as programs write them, and those that no reader could tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.reports.fields import read_date, write_date
from actions.reports.rejected import Rejected

CET = timezone(timedelta(hours=1))
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 12, 36, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T24:00:00+00:00", MIDNIGHT),
        ("2026-11-20T24:00:00Z", MIDNIGHT),
        ("2026-11-20T24:00:00.000Z", MIDNIGHT),
        ("2026-11-20T24:00", MIDNIGHT),
        ("2026-11-20 24:00:00", MIDNIGHT),
        ("20261120T240000Z", MIDNIGHT),
        ("2026-11-20T24:00:00-07:00", datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=-7)))),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-11-20T23:59:60Z", MIDNIGHT),
        ("20-Nov-2026 12:36:30 GMT", NOON),
        ("20-nov-2026 12:36:30", NOON),
        ("20 November 2026 12:36:30 UTC", NOON),
        ("Fri, 20 Nov 2026 12:36:30 GMT", NOON),
        ("Fri, 20 Nov 2026 13:36:30 +0100", NOON.astimezone(CET)),
        ("Friday, 20-Nov-2026 12:36:30 UTC", NOON),
        ("Fri Nov 20 2026 13:36:30 GMT+0100 (Central European Standard Time)", NOON.astimezone(CET)),
        ("Fri Nov 20 12:36:30 UTC 2026", NOON),
        ("Fri Nov 20 12:36:30 2026", NOON),
        ("Nov 20, 2026", NOON.replace(hour=0, minute=0, second=0)),
        ("2026-11-20 12:36:30 UTC", NOON),
        ("2026-11-20 12:36:30 GMT", NOON),
        ("2026-11-20 13:36:30 +0100", NOON.astimezone(CET)),
        ("2026-11-20T13:36:30 +01:00", NOON.astimezone(CET)),
        ("2026-11-20T13:36:30 01:00", NOON.astimezone(CET)),  # The + was not encoded.
        ("2026-11-20T13:36:30+01:00[Europe/Berlin]", NOON.astimezone(CET)),
        ("2026-11-20t12:36:30z", NOON),
        ("2026-11-20T12:36:30.1234567Z", NOON.replace(microsecond=123456)),
        ("2026-11-20T12:36:30,5Z", NOON.replace(microsecond=500000)),
        ("2026/11/20 12:36:30", NOON),
        ("2026-11-20T12:36:30+14:00", NOON.replace(tzinfo=timezone(timedelta(hours=14)))),
        ("2026-11-20T12:36:30-1400", NOON.replace(tzinfo=timezone(timedelta(hours=-14)))),
    ],
)
def test_a_date_is_read_in_the_spellings_of_programs(text: str, expected: datetime) -> None:
    found = read_date("EventDate", text)
    assert (found, found.utcoffset()) == (expected, expected.utcoffset())


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T24:00:01Z",
        "2026-11-20T24:30Z",
        "2026-11-20T25:00Z",
        "2026-02-30",
        "31-Nov-2026 12:00:00 GMT",
        "20-Now-2026 12:36:30 GMT",
        "20/11/2026 12:36:30",
        "11/20/2026",
        "2026-11-20 12:36:30 EST",
        "1795177890",
        "NOW",
        "9999-12-31T24:00:00Z",
        "today",
        "",
        "-",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match=r"^EventDate: .* is not "):
        read_date("EventDate", text)


@pytest.mark.parametrize("offset", ["+14:01", "-14:30", "+1500", "+23:59", "-25:00", "+99"])
def test_an_offset_that_no_place_has_is_refused_as_such(offset: str) -> None:
    for time in ("2026-11-20T12:00:00", "2026-11-20T24:00:00", "20-Nov-2026 12:36:30 "):
        with pytest.raises(Rejected, match="UTC offset of more than 14 hours; -14:00 to"):
            read_date("EventDate", f"{time}{offset}")


@given(st.text(max_size=60) | st.from_regex(r"[0-9]{1,4}[-/ .]\w{1,9}[-/ ][0-9]{1,4}[ T][0-9:]{1,8} ?\S{0,6}"))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        assert read_date("EventDate", text).tzinfo is not None
    except Rejected:
        return  # Any other error fails.


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 12, 31)),  # noqa: DTZ001 -- gets its offset below
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_a_date_is_written_in_whole_seconds_with_its_offset(moment: datetime, offset: int) -> None:
    date = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert write_date(date) == date.isoformat(timespec="seconds")
