"""The last day and the last week as pictures, from the roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postbacks.admin.dashboard.chart import HEIGHT, WIDTH, Chart, chart
from postbacks.admin.dashboard.spans import SPANS, Span
from postbacks.metrics.read import Sums, counts_over_time, one_moment


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart of deliveries that ended, and their sums."""

    title: str
    chart: Chart
    sums: Sums
    width: int = WIDTH
    height: int = HEIGHT


def pictures_of(postbacks: Sequence[int]) -> list[Picture]:
    """The last day and the last week of these postbacks together."""
    with one_moment() as now:
        return [_picture(SPANS[name], postbacks, now) for name in ("day", "week")]


def _picture(span: Span, postbacks: Sequence[int], now: datetime) -> Picture:
    since = span.since(now)
    steps = [Sums() for _ in range(span.steps)]
    whole = Sums()
    for at, sums in counts_over_time(span.period, since, postbacks).items():
        number = (at - since) // span.step
        whole.add(sums)
        if 0 <= number < span.steps:
            steps[number].add(sums)
    return Picture(
        span.label, chart([(since + number * span.step, sums) for number, sums in enumerate(steps)], span.step), whole
    )
