"""Dates in templates: `strftime` codes, with English names and no help from the machine's locale or C library.

The same event must give the same bytes everywhere, and `datetime.strftime` leaves `%s`, padding and names to the
platform. Time zones, too, come from the `tzdata` package and not from the machine. A value is ISO 8601; one without
an offset is taken as UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from postbacks.request.template.hints import nearest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _offset(moment: datetime, separator: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{separator}{abs(minutes) % 60:02}"


CODES: Final[dict[str, Callable[[datetime], str]]] = {
    "%Y": lambda moment: f"{moment.year:04}",
    "%y": lambda moment: f"{moment.year % 100:02}",
    "%m": lambda moment: f"{moment.month:02}",
    "%B": lambda moment: _MONTHS[moment.month - 1],
    "%b": lambda moment: _MONTHS[moment.month - 1][:3],
    "%d": lambda moment: f"{moment.day:02}",
    "%j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "%A": lambda moment: _DAYS[moment.weekday()],
    "%a": lambda moment: _DAYS[moment.weekday()][:3],
    "%H": lambda moment: f"{moment.hour:02}",
    "%I": lambda moment: f"{(moment.hour - 1) % 12 + 1:02}",
    "%p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "%M": lambda moment: f"{moment.minute:02}",
    "%S": lambda moment: f"{moment.second:02}",
    "%f": lambda moment: f"{moment.microsecond:06}",
    "%z": lambda moment: _offset(moment, ""),
    "%:z": lambda moment: _offset(moment, ":"),
    "%Z": lambda moment: moment.tzname() or "",
    "%F": lambda moment: f"{moment.year:04}-{moment.month:02}-{moment.day:02}",
    "%T": lambda moment: f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}",
    "%s": lambda moment: str((moment - _EPOCH) // timedelta(seconds=1)),
    "%Q": lambda moment: str((moment - _EPOCH) // timedelta(milliseconds=1)),
    "%%": lambda _moment: "%",
}
"""What each code writes. `%s` is seconds and `%Q` milliseconds since 1970 in UTC."""

_CODE = re.compile(r"%:?.?", re.DOTALL)


def unknown_code(pattern: str) -> tuple[str, int] | None:
    """The first code of a date format that does not exist, and its place in it."""
    found = (match for match in _CODE.finditer(pattern) if match[0] not in CODES)
    return next(((match[0], match.start()) for match in found), None)


def holds_a_code(pattern: str) -> bool:
    """Whether a date format has any part of a date in it."""
    return any(code != "%%" for code in _CODE.findall(pattern))


@cache
def zone_names() -> tuple[str, ...]:
    """The names of all time zones, sorted."""
    return tuple(sorted((resources.files("tzdata") / "zones").read_text(encoding="ascii").split()))


def zone(name: str) -> tzinfo | None:
    """The time zone of this name (`UTC`, `America/New_York`), or None if there is none."""
    return _load_zone(name) if name in zone_names() else None


@cache
def _load_zone(name: str) -> tzinfo:
    with (resources.files("tzdata") / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def zone_like(name: str) -> str:
    """The time zone that may have been meant, also by its city alone (`New York`); empty if none is like it."""
    by_city = {each.rpartition("/")[2]: each for each in zone_names()}
    return nearest(name, zone_names()) or by_city.get(nearest(name.rpartition("/")[2], by_city), "")


def formatter(pattern: str, in_zone: tzinfo | None) -> Callable[[str], str]:
    """Return what turns an ISO 8601 value into this format, in the given zone or else at its own offset.

    A value that is no date gives an empty text, as an absent one does: a receiver that expects a date can do
    nothing with anything else.
    """
    parts = re.split(r"(%:?.)", pattern, flags=re.DOTALL)
    writers = [CODES.get(part) or part for part in parts if part]

    def format_date(value: str) -> str:
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            if in_zone is not None:
                moment = moment.astimezone(in_zone)
        except (ValueError, OverflowError):
            return ""
        return "".join([writer if isinstance(writer, str) else writer(moment) for writer in writers])

    return format_date
