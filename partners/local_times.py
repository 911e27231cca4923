"""Times as the screens show and read them: all in one format, in the current time zone, which is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_STEP: Final = timedelta(minutes=1)  # Clocks are changed at whole minutes,
_LONGEST_GAP: Final = 24 * 60  # by a day at most: Samoa left out the 30th of December 2011.


def shown(moment: datetime | None) -> str:
    """The time in the current zone, as `2026-11-24 13:30:05`; nothing for None."""
    return "" if moment is None else f"{timezone.localtime(moment):{FORMAT}}"


def shown_with_zone(moment: datetime | None) -> SafeString | str:
    """The same for a page, which shows the zone where the mouse rests on it."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    text = f"{local:{FORMAT}}"
    title = f"{text} {_zone_of(local)}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(timespec="milliseconds"), title, text
    )


def current_zone() -> str:
    """The current zone and its offset now, such as `Europe/Berlin (UTC+01:00)`."""
    return _zone_of(timezone.localtime())


def offset_of(local: datetime) -> str:
    """Such as `UTC+01:00`."""
    text = local.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"


def of_clock(read: datetime, *, later: bool | None = None) -> datetime:
    """The moment, in UTC, at which clocks of the current zone show `read`, which has no offset.

    Clocks that are put back show an hour twice. `later` says which of the two is meant.

    Raises:
        ValueError: clocks that are put forward never show it, or show it twice and `later` is None. The message says
            what to type instead.
    """
    zone = timezone.get_current_timezone()
    first, second = (read.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if not _is_shown(first):
        raise ValueError(
            f"{read:%Y-%m-%d %H:%M} does not exist in {_name(zone)}: clocks are put forward then. The next time that "
            f"does is {_next_shown(read, zone):%Y-%m-%d %H:%M}."
        )
    if later is None:
        raise ValueError(
            f"{read:%Y-%m-%d %H:%M} exists twice in {_name(zone)}: clocks are put back then. Say which is meant: "
            f"{first.isoformat(timespec='minutes')} or {second.isoformat(timespec='minutes')}."
        )
    # In UTC: Python takes a time within such an hour for unequal to any of another zone.
    return (second if later else first).astimezone(UTC)


class LocalTimeField(forms.DateTimeField):
    """A time of the current zone. An hour that clocks show twice is taken for the first or, with `later`, the second:
    as bounds of a span, so that it leaves nothing out."""

    default_error_messages = {"invalid": "Enter a date and a time, such as 2026-03-01 14:30."}

    def __init__(self, *, later: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._later = later

    def to_python(self, value: Any) -> datetime | None:
        text = str(value or "").strip()
        try:
            read = parse_datetime(text)
        except ValueError:
            read = None
        if read is None or timezone.is_aware(read):
            return super().to_python(value)
        try:
            return of_clock(read, later=self._later)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"]) from error
        except ValueError as error:
            raise ValidationError(str(error)) from error


def _is_shown(moment: datetime) -> bool:
    zone = moment.tzinfo
    again = moment.astimezone(UTC).astimezone(zone)
    return again.replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None, fold=0)


def _next_shown(read: datetime, zone: tzinfo) -> datetime:
    at = read.replace(second=0, microsecond=0)
    for _ in range(_LONGEST_GAP):
        at += _STEP
        if _is_shown(at.replace(tzinfo=zone)):
            break
    return at


def _zone_of(local: datetime) -> str:
    name = _name(timezone.get_current_timezone())
    return name if name == "UTC" else f"{name} ({offset_of(local)})"


def _name(zone: tzinfo) -> str:
    return str(getattr(zone, "key", zone))
