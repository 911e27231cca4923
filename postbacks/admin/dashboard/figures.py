"""The figures of the dashboard for one span of time, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from postbacks.admin.dashboard.chart import Chart, chart
from postbacks.admin.dashboard.spans import Span
from postbacks.admin.destinations.rows import Row as StoppedRow
from postbacks.admin.destinations.rows import rows_of, stopped
from postbacks.metrics.backlog import ALL_COUNTED_UP_TO, oldest_due, shown, waiting_in_all
from postbacks.metrics.read import Sums, by_postback, catch_up, counts_by_postback, over_time
from postbacks.metrics.reasons import LABELS
from postbacks.models import Postback
from postbacks.state import State, state_of

SHOWN_DESTINATIONS: Final = 10
SHOWN_REASONS: Final = 6
SHOWN_HELD: Final = 5


@dataclass(frozen=True, slots=True)
class Destination:
    """A postback with its sums over the span."""

    postback: Postback
    state: State
    sums: Sums

    @property
    def success_percent(self) -> float | None:
        rate = self.sums.success_rate
        return None if rate is None else rate * 100

    @property
    def p95_ms(self) -> float | None:
        return self.sums.took_ms(0.95)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why attempts failed: the reason, how many, and their percentage of all failures."""

    label: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`waiting` is the number of unfinished deliveries, as text; `held` has the first held postbacks, and `more_held`
    says whether there are more."""

    span: Span
    since: datetime
    sums: Sums
    chart: Chart
    reasons: list[Reason]
    destinations: list[Destination]
    held: list[StoppedRow]
    more_held: bool
    waiting: str
    oldest_due: datetime | None

    @property
    def success_percent(self) -> float | None:
        rate = self.sums.success_rate
        return None if rate is None else rate * 100

    @property
    def latency_ms(self) -> list[tuple[str, float | None]]:
        return [(name, self.sums.took_ms(share)) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))]


def read_figures(span: Span, *, networks: bool) -> Figures:
    """The sums cover all postbacks; without `networks`, only postbacks of partners are named."""
    catch_up()
    since = span.since(timezone.now())
    by_time = over_time(span.period, since)
    held = list(stopped(networks=networks).filter(paused_at=None)[: SHOWN_HELD + 1])
    sums = _added(by_time.values())
    return Figures(
        span=span,
        since=since,
        sums=sums,
        chart=chart(_steps(span, since, by_time), span.step),
        reasons=_reasons(sums),
        destinations=_destinations(span, since, networks=networks),
        held=rows_of(held[:SHOWN_HELD]) if held else [],
        more_held=len(held) > SHOWN_HELD,
        waiting=shown(waiting_in_all(), ALL_COUNTED_UP_TO),
        oldest_due=oldest_due(),
    )


def _steps(span: Span, since: datetime, by_time: dict[datetime, Sums]) -> list[tuple[datetime, Sums]]:
    """Every step of the span, including empty ones."""
    found: list[list[Sums]] = [[] for _ in range(span.steps)]
    for at, sums in by_time.items():
        place = (at - since) // span.step
        if place < span.steps:
            found[place].append(sums)
    return [(since + number * span.step, _added(sums)) for number, sums in enumerate(found)]


def _added(parts: Iterable[Sums]) -> Sums:
    total = Sums()
    for part in parts:
        total.add(part)
    return total


def _reasons(sums: Sums) -> list[Reason]:
    reasons = list(sums.reasons.items())
    total = sum(count for _, count in reasons)
    return [Reason(LABELS.get(name, name), count, 100 * count / total) for name, count in reasons[:SHOWN_REASONS]]


def _destinations(span: Span, since: datetime, *, networks: bool) -> list[Destination]:
    """The postbacks with the most failures first, then the busiest."""
    counts = counts_by_postback(span.period, since)
    order = sorted(counts, key=lambda pk: (-counts[pk].failed, -counts[pk].attempts, pk))
    rows = Postback.objects.select_related("partner", "media_source", "lane")
    if not networks:
        rows = rows.filter(media_source__isnull=True)
        seen = set(rows.filter(pk__in=order).values_list("pk", flat=True))
        order = [pk for pk in order if pk in seen]
    first = order[:SHOWN_DESTINATIONS]
    found, sums = rows.in_bulk(first), by_postback(span.period, since, first)
    return [Destination(found[pk], state_of(found[pk]), sums[pk]) for pk in first if pk in found and pk in sums]
