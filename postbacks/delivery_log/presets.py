"""The times that the log offers by name, in the time zone in which the screen shows times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

PRESETS: Final = {"hour": "Last hour", "today": "Today", "yesterday": "Yesterday", "week": "This week"}


def span_of(preset: str, now: datetime) -> tuple[datetime, datetime | None]:
    """From when until when one of `PRESETS` is; None is now. Days begin at midnight, weeks on Monday.

    Midnight is found by the date, not by counting hours: a day on which clocks change has 23 or 25 of them.
    """
    if preset == "hour":
        return now - timedelta(hours=1), None
    today = timezone.localtime(now).date()
    if preset == "yesterday":
        return _midnight(today.toordinal() - 1), _midnight(today.toordinal())
    return _midnight(today.toordinal() - (today.weekday() if preset == "week" else 0)), None


def _midnight(day: int) -> datetime:
    return datetime.fromordinal(day).replace(tzinfo=timezone.get_current_timezone())
