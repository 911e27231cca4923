"""The figures of the dashboard for one span of time, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from postbacks.admin.dashboard.chart import Chart, chart
from postbacks.admin.dashboard.spans import Span
from postbacks.admin.destinations.rows import Row as StoppedRow
from postbacks.admin.destinations.rows import paused_by_themselves, rows_of, stopped
from postbacks.admin.integrations.rows import Rates, last_day
from postbacks.delivery_log.counted import Counted, Window, ended, failed_because
from postbacks.delivery_log.failing import Failing, costliest_first, failing_among
from postbacks.metrics.backlog import ALL_COUNTED_UP_TO, COUNTED_UP_TO, oldest_due, shown, waiting_in_all, waiting_of
from postbacks.metrics.read import Sums, by_postback, catch_up, counts_by_postback, one_moment, over_time
from postbacks.metrics.reasons import LABELS
from postbacks.models import Postback, Rollup
from postbacks.state import State, state_of

SHOWN_DESTINATIONS: Final = 10
SHOWN_REASONS: Final = 6
SHOWN_HELD: Final = 5
SHOWN_FAILING: Final = 5


@dataclass(frozen=True, slots=True)
class Destination(Rates):
    """A postback with its sums over the span."""

    postback: Postback
    state: State
    sums: Sums
    failed: Counted

    @property
    def p95_ms(self) -> float | None:
        return self.sums.took_ms(0.95)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why attempts failed: the reason, how many, and their percentage of all failures."""

    label: str
    counted: Counted
    percent: float


@dataclass(frozen=True, slots=True)
class FailingRow:
    """A failing postback: why, how many deliveries wait, and the failures of the last day for that reason."""

    postback: Postback
    failing: Failing
    waiting: str
    because: Counted


@dataclass(frozen=True, slots=True)
class Figures(Rates):
    """`waiting` is the number of unfinished deliveries, as text. `held`, `failing` and `paused` have the first
    postbacks of each kind, `paused` those that paused themselves; `more_held` and `more_paused` say whether there are
    more, `all_failing` how many are failing. Where not `linked`, the totals hold more than the user finds in the log.
    """

    span: Span
    window: Window
    linked: bool
    sums: Sums
    failed: Counted
    chart: Chart
    reasons: list[Reason]
    destinations: list[Destination]
    held: list[StoppedRow]
    more_held: bool
    failing: list[FailingRow]
    all_failing: int
    paused: list[StoppedRow]
    more_paused: bool
    waiting: str
    oldest_due: datetime | None

    @property
    def latency_ms(self) -> list[tuple[str, float | None]]:
        return [(name, self.sums.took_ms(share)) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))]


def read_figures(span: Span, *, networks: bool) -> Figures:
    """The sums cover all postbacks; without `networks`, only postbacks of partners are named."""
    catch_up()
    with one_moment() as now:
        return _read(span, now, networks=networks)


def _read(span: Span, now: datetime, *, networks: bool) -> Figures:
    window = Window(span.since(now), now)
    by_time = over_time(span.period, window.since)
    counts = counts_by_postback(span.period, window.since)
    day = Window(last_day(now), now)
    of_day = counts if window.since == day.since else counts_by_postback(Rollup.Period.HOUR, day.since)
    rows = Postback.objects.existing()
    if not networks:
        rows = rows.filter(media_source__isnull=True)
    stopped_by = rows.order_by().values_list("pk", "paused_at", "lane__held_since")
    seen = {pk: paused is None and held is None for pk, paused, held in stopped_by}
    failing = failing_among({pk: sums for pk, sums in of_day.items() if seen.get(pk)}, now)
    order = costliest_first(failing, of_day)
    held = list(stopped(networks=networks).filter(paused_at=None)[: SHOWN_HELD + 1])
    paused = list(paused_by_themselves(networks=networks)[: SHOWN_HELD + 1])
    sums = _added(by_time.values())
    return Figures(
        span=span,
        window=window,
        linked=networks or not Postback.objects.filter(media_source__isnull=False).exists(),
        sums=sums,
        failed=ended(sums, "failed", window),
        chart=chart(_steps(span, window.since, by_time), span.step),
        reasons=_reasons(sums, window),
        destinations=_destinations(span, window, {pk: counts[pk] for pk in counts if pk in seen}, failing, order),
        held=rows_of(held[:SHOWN_HELD]) if held else [],
        more_held=len(held) > SHOWN_HELD,
        failing=_failing_rows(order[:SHOWN_FAILING], failing, day),
        all_failing=len(failing),
        paused=rows_of(paused[:SHOWN_HELD]) if paused else [],
        more_paused=len(paused) > SHOWN_HELD,
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


def _reasons(sums: Sums, window: Window) -> list[Reason]:
    reasons = list(sums.reasons.items())
    total = sum(count for _, count in reasons)
    return [
        Reason(LABELS.get(name, name), failed_because(sums, name, window), 100 * count / total)
        for name, count in reasons[:SHOWN_REASONS]
    ]


def _failing_rows(first: list[int], failing: dict[int, Failing], day: Window) -> list[FailingRow]:
    """Their counts by reason are of the last day, whatever the span: that is what made them failing."""
    found = Postback.objects.select_related("partner", "media_source").in_bulk(first)
    sums = by_postback(Rollup.Period.HOUR, day.since, first) if first else {}
    waiting = waiting_of(first) if first else {}
    return [
        FailingRow(
            found[pk],
            failing[pk],
            shown(waiting.get(pk, 0), COUNTED_UP_TO),
            failed_because(sums[pk], failing[pk].why, day, pk),
        )
        for pk in first
    ]


def _destinations(
    span: Span, window: Window, counts: dict[int, Sums], failing: dict[int, Failing], order: list[int]
) -> list[Destination]:
    """Failing postbacks first, by what they cost; then those with the most failures, then the busiest."""
    rank = {pk: place for place, pk in enumerate(order)}
    by_failures = sorted(counts, key=lambda pk: (rank.get(pk, len(rank)), -counts[pk].failed, -counts[pk].attempts, pk))
    first = by_failures[:SHOWN_DESTINATIONS]
    found = Postback.objects.select_related("partner", "media_source", "lane").in_bulk(first)
    sums = by_postback(span.period, window.since, first)
    return [
        Destination(
            found[pk],
            state_of(found[pk], failing[pk].text if pk in failing else ""),
            sums[pk],
            ended(sums[pk], "failed", window, pk),
        )
        for pk in first
        if pk in found and pk in sums
    ]
