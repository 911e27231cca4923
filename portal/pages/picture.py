"""The last day and the last week as pictures, from the roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from postbacks.admin.dashboard.chart import HEIGHT, WIDTH, Chart, chart
from postbacks.admin.dashboard.spans import SPANS, Span
from postbacks.metrics.counters import COLUMNS
from postbacks.metrics.read import Sums
from postbacks.models import Rollup


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
    return [_picture(SPANS[name], postbacks) for name in ("day", "week")]


def _picture(span: Span, postbacks: Sequence[int]) -> Picture:
    since = span.since(timezone.now())
    totals: dict[str, Any] = {f"sum_{name}": Sum(name) for name in COLUMNS}
    rows: Any = Rollup.objects.filter(period=span.period, postback_key__in=list(postbacks), at__gte=since)
    steps = [Sums() for _ in range(span.steps)]
    whole = Sums()
    for row in rows.order_by().values("at").annotate(**totals):
        number = (row["at"] - since) // span.step
        sums = Sums(**{name: row[f"sum_{name}"] for name in COLUMNS})
        whole.add(sums)
        if 0 <= number < span.steps:
            steps[number].add(sums)
    return Picture(
        span.label, chart([(since + number * span.step, sums) for number, sums in enumerate(steps)], span.step), whole
    )
