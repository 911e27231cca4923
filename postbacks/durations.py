"""Durations as operators type them: seconds (`90`) or numbers with units (`90s`, `15m`, `2h`, `3d`, `1h 30m`)."""

import re

from postbacks.models import MAX_DELAY_SECONDS

_UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

_PART = re.compile(r"(\d{1,9})\s*([dhms])", re.ASCII | re.IGNORECASE)
_PARTS = re.compile(rf"{_PART.pattern}(?:\s*{_PART.pattern})*", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def parse_duration(text: str | int) -> int:
    """Reads a duration, as text or as a number of seconds, and returns seconds; empty text is 0.

    Raises ValueError, which says what to write instead; more than 30 days is an error.
    """
    typed = str(text).strip()
    if not typed:
        return 0
    if _SECONDS.fullmatch(typed):
        seconds = int(typed)
    elif _PARTS.fullmatch(typed):
        seconds = _added_up(typed)
    else:
        raise ValueError(f'"{typed}" is not a duration. Write seconds, or 90s, 15m, 2h, 3d.')
    if seconds > MAX_DELAY_SECONDS:
        raise ValueError(f'"{typed}" is too long. Write at most 30 days (30d).')
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest text that reads back as these seconds: `0`, `90s`, `15m`, `1h 30m`. Parts that are zero are left
    out; less than two minutes stay seconds unless they are whole minutes."""
    if seconds == 0:
        return "0"
    if seconds < 2 * 60 and seconds % 60:
        return f"{seconds}s"
    parts = []
    for unit, length in _UNIT_SECONDS.items():
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts)


def _added_up(typed: str) -> int:
    total = 0
    seen: set[str] = set()
    for count, unit in _PART.findall(typed):
        if unit.lower() in seen:
            raise ValueError(f'"{typed}" gives {unit.lower()} twice. Write each unit once.')
        seen.add(unit.lower())
        total += int(count) * _UNIT_SECONDS[unit.lower()]
    return total
