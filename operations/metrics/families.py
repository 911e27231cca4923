"""The numbers as families of metrics: names, types and meanings. Pure.

Labels are few and bounded, because there may be thousands of postbacks: only held ones and the busiest have series of
their own, a hundred at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from operations.metrics.readings import Busy, Readings
from operations.replica import ReplicaState
from postbacks import __version__
from postbacks.metrics.counters import (
    LAG,
    LAG_PER_SECOND,
    LAG_SECONDS,
    LAG_SUM,
    TOOK,
    TOOK_MS,
    TOOK_PER_SECOND,
    TOOK_SUM,
    WHY,
    histogram,
)
from postbacks.metrics.reasons import LABELS

TOOK_SECONDS = tuple(bound / 1000 for bound in TOOK_MS)


class Page(Collector):
    """The families of one reading."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        yield from _counters(self._readings)
        yield from _histograms(self._readings.details)
        yield from _gauges(self._readings)
        yield from _of_the_busiest(self._readings.busiest)


def _counters(readings: Readings) -> Iterator[Metric]:
    counts = readings.counts
    yield _counter(
        "postbacks_deliveries",
        "Finished deliveries, by outcome.",
        "outcome",
        {name: counts[name] for name in ("delivered", "failed", "cancelled")},
    )
    yield _counter(
        "postbacks_attempts",
        "Requests made, by verdict.",
        "outcome",
        {"succeeded": counts["succeeded"], "failed": counts["attempts"] - counts["succeeded"]},
    )
    yield _counter(
        "postbacks_failures",
        "Attempts that failed, and deliveries that failed without one, by class of reason.",
        "reason",
        {reason: readings.details.get(f"{WHY}{reason}", 0) for reason in LABELS},
    )
    yield CounterMetricFamily(
        "postbacks_action_events",
        "Ids given to action events: what came in. Includes failed transactions.",
        value=readings.events,
    )
    yield CounterMetricFamily(
        "postbacks_deliveries_promised",
        "Ids given to deliveries. Includes failed transactions.",
        value=readings.deliveries,
    )


def _histograms(details: Mapping[str, int]) -> Iterator[Metric]:
    yield _histogram(
        "postbacks_attempt_duration_seconds",
        "How long requests took, including connection and answer.",
        histogram(details, TOOK, TOOK_MS),
        TOOK_SECONDS,
        details.get(TOOK_SUM, 0) / TOOK_PER_SECOND,
    )
    yield _histogram(
        "postbacks_delivery_lag_seconds",
        "Time from when the last attempt of a delivery was due until it was recorded as delivered or failed.",
        histogram(details, LAG, LAG_SECONDS),
        LAG_SECONDS,
        details.get(LAG_SUM, 0) / LAG_PER_SECOND,
    )


def _gauges(readings: Readings) -> Iterator[Metric]:
    yield _gauge("postbacks_backlog", "Unfinished deliveries, by state.", "state", readings.backlog)
    yield GaugeMetricFamily(
        "postbacks_oldest_waiting_seconds",
        "How long the oldest waiting delivery has been due; paused and held postbacks do not count.",
        value=readings.oldest_waiting_seconds,
    )
    yield _gauge("postbacks_configured", "Configured postbacks, by state.", "state", readings.postbacks)
    held = GaugeMetricFamily(
        "postbacks_held_seconds",
        "How long a destination has been held because it is down; the hundred longest.",
        labels=["postback", "name"],
    )
    for pk, name, seconds in readings.held:
        held.add_metric([str(pk), name], seconds)
    yield held
    yield GaugeMetricFamily(
        "postbacks_refused_reports",
        "Refused reports of the conversion API that wait to be processed again.",
        value=readings.refused_reports,
    )
    yield GaugeMetricFamily(
        "postbacks_queued_reports", "Reports that are answered and not recorded yet.", value=readings.queued_reports
    )
    yield GaugeMetricFamily("postbacks_worker_processes", "Running worker processes.", value=readings.workers)
    yield _age("postbacks_sweep_age_seconds", "Time since the last sweep. Absent: never.", readings.sweep_age)
    yield _age("postbacks_beat_age_seconds", "Time since beat last ran. Absent: never.", readings.beat_age)
    yield _age("postbacks_prune_age_seconds", "Time since pruning last finished. Absent: never.", readings.prune_age)
    yield _age(
        "postbacks_exchange_rates_age_days",
        "Age of the latest fetched exchange rates. Absent: none is fetched.",
        readings.rates_age_days,
    )
    yield GaugeMetricFamily(
        "postbacks_exchange_rates_held", "Fetched exchange rates that wait to be accepted.", value=readings.held_rates
    )
    if readings.replica is not None:
        yield from _of_replica(readings.replica)
    yield _gauge("postbacks_build_info", "The version of the process that answers.", "version", {__version__: 1})


def _of_the_busiest(busiest: Sequence[Busy]) -> Iterator[Metric]:
    labels = ["postback", "name"]
    deliveries = CounterMetricFamily(
        "postbacks_postback_deliveries",
        "Finished deliveries of the busiest hundred postbacks, by outcome.",
        labels=[*labels, "outcome"],
    )
    attempts = CounterMetricFamily(
        "postbacks_postback_attempts",
        "Requests made for the busiest hundred postbacks, by verdict.",
        labels=[*labels, "outcome"],
    )
    took = SummaryMetricFamily(
        "postbacks_postback_attempt_duration_seconds",
        "How long requests of the busiest hundred postbacks took.",
        labels=labels,
    )
    for each in busiest:
        named = [str(each.postback), each.name]
        for outcome, number in (("delivered", each.delivered), ("failed", each.failed), ("cancelled", each.cancelled)):
            deliveries.add_metric([*named, outcome], number)
        attempts.add_metric([*named, "succeeded"], each.succeeded)
        attempts.add_metric([*named, "failed"], each.attempts - each.succeeded)
        took.add_metric(named, each.attempts, each.took_us / TOOK_PER_SECOND)
    yield from (deliveries, attempts, took)


def _of_replica(replica: ReplicaState) -> Iterator[Metric]:
    yield GaugeMetricFamily("postbacks_replica_usable", "1 if reads may go to the replica.", value=not replica.trouble)
    lag = replica.lag if math.isfinite(replica.lag) else None
    yield _age("postbacks_replica_lag_seconds", "How far the replica is behind. Absent: not known.", lag)
    yield CounterMetricFamily(
        "postbacks_replica_fallbacks",
        "Reads that failed on the replica and went to the primary.",
        value=replica.fallbacks,
    )


def _counter(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _age(name: str, text: str, age: float | None) -> Metric:
    family = GaugeMetricFamily(name, text)
    if age is not None:
        family.add_metric([], age)
    return family


def _histogram(name: str, text: str, counts: Sequence[int], bounds: Sequence[float], total: float) -> Metric:
    """`total` is the sum of all values."""
    places = [*(str(float(bound)) for bound in bounds), "+Inf"]
    return HistogramMetricFamily(
        name, text, buckets=list(zip(places, accumulate(counts), strict=True)), sum_value=total
    )
