"""The spans of time that the dashboard can show, and how each is divided into steps. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from postbacks.models import Rollup


@dataclass(frozen=True, slots=True)
class Span:
    """`steps` of `step` each, the last of which contains the current time; read from roll-ups of `period`."""

    name: str
    label: str
    period: str
    step: timedelta
    steps: int

    def since(self, now: datetime) -> datetime:
        """When the first step begins. Like roll-ups, steps begin at whole minutes or hours in UTC."""
        unit = timedelta(hours=1) if self.period == Rollup.Period.HOUR else timedelta(minutes=1)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + ((now - midnight) // unit + 1) * unit
        return end - self.steps * self.step


SPANS: Final = {
    span.name: span
    for span in (
        Span("hour", "Last hour", Rollup.Period.MINUTE, timedelta(minutes=1), 60),
        Span("day", "Last day", Rollup.Period.HOUR, timedelta(hours=1), 24),
        Span("week", "Last week", Rollup.Period.HOUR, timedelta(hours=4), 42),
    )
}


def span_named(name: str) -> Span:
    """The span of this name, or the last day if there is none."""
    return SPANS.get(name, SPANS["day"])
