"""Reads moments in the spellings in which programs write them. Pure.

Only spellings with one meaning: 20/11/2026 and 11/20/2026 are not told apart, and EST is the name of two zones.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

MOST_HOURS_OF_OFFSET: Final = 14  # Kiribati is the furthest; what is further is a mistake.
_MOST_OFFSET: Final = timedelta(hours=MOST_HOURS_OF_OFFSET)

_TIME: Final = r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
# A blank before an offset is the + of a form that was not encoded. Java adds the zone's name in brackets, browsers in
# parentheses.
_ZONE: Final = (
    r"(?:\s*(?P<utc>Z|GMT|UTC|UT))?(?:\s*(?P<sign>[+\-\N{MINUS SIGN} ])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?"
    r"\s*(?:\[[^\]]*\]|\([^)]*\))?"
)
_DAY_NAME: Final = r"(?:[a-z]{3,9}\.?,?\s+)?"
_MONTH_NAME: Final = r"(?P<name>[a-z]{3,9})\.?"
_SPELLINGS: Final = tuple(
    re.compile(spelling, re.ASCII | re.IGNORECASE)
    for spelling in (
        # 2026-11-20T24:00:00Z, 2026-11-20 12:36:30 +0100, 2026/11/20 12:36
        rf"(?P<year>\d{{4}})(?P<mark>[-/.]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)(?:(?:\s*T\s*|\s+|_){_TIME}{_ZONE})?",
        # 20-Nov-2026 12:36:30 GMT, Fri, 20 Nov 2026 12:36:30 +0000
        rf"{_DAY_NAME}(?P<day>\d{{1,2}})[-\s]{_MONTH_NAME},?[-\s](?P<year>\d{{4}})(?:[,\sT]+{_TIME}{_ZONE})?",
        # Fri Nov 20 2026 12:36:30 GMT+0100 (Central European Standard Time), Nov 20, 2026
        rf"{_DAY_NAME}{_MONTH_NAME}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})(?:[,\sT]+{_TIME}{_ZONE})?",
        # Fri Nov 20 12:36:30 UTC 2026
        rf"{_DAY_NAME}{_MONTH_NAME}\s+(?P<day>\d{{1,2}})\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})",
    )
)
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


class OffsetTooLargeError(ValueError):
    """No place is so far from UTC."""


def read_moment(text: str) -> datetime:
    """The moment with its UTC offset, in UTC where none is named; a day alone is its midnight.

    Raises:
        OffsetTooLargeError: the offset is more than `MOST_HOURS_OF_OFFSET`.
        ValueError: it is none of the spellings, or no day of the calendar.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _other_spelling(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    _check_offset(moment.utcoffset() or timedelta())
    return moment


def _other_spelling(text: str) -> datetime:
    found = next(filter(None, (spelling.fullmatch(text) for spelling in _SPELLINGS)), None)
    if found is None:
        raise ValueError(text)
    given = found.groupdict()
    month = int(given["month"]) if "month" in given else _month(given["name"])
    hour, minute, second = (int(given[part] or 0) for part in ("hour", "minute", "second"))
    fraction = timedelta(microseconds=int((given["fraction"] or "").ljust(6, "0")[:6]))
    late = timedelta()
    if hour == 24 and not (minute or second or fraction):
        hour, late = 0, timedelta(days=1)  # The midnight at the end of the day.
    elif second == 60:
        second, late = 59, timedelta(seconds=1)  # A leap second.
    moment = datetime(int(given["year"]), month, int(given["day"]), hour, minute, second, tzinfo=_zone(given))
    return moment + fraction + late


def _month(name: str) -> int:
    """The number of the month with this English name or its first letters."""
    for number, month in enumerate(_MONTHS, 1):
        if month.startswith(name.lower()):
            return number
    raise ValueError(name)


def _zone(given: dict[str, str | None]) -> timezone:
    if not given["sign"]:
        return UTC
    offset = timedelta(hours=int(given["hours"] or 0), minutes=int(given["minutes"] or 0))
    _check_offset(offset)
    return timezone(offset if given["sign"] in "+ " else -offset)


def _check_offset(offset: timedelta) -> None:
    if abs(offset) > _MOST_OFFSET:
        raise OffsetTooLargeError
