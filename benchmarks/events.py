"""Events committed at a steady rate by a separate process, and how long each took to reach the receiver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from django.conf import settings
from django.db import connection

from benchmarks import rows
from benchmarks.processes import program, running
from benchmarks.receivers import Arrival
from benchmarks.results import CannotRunError
from postbacks.models import Postback

WARM_UP_SECONDS = 2.0
_PATIENCE_SECONDS = 30
_DELIVERIES = """
SELECT event_id, id, coalesce(known_by::text, id::text) FROM postbacks_delivery WHERE event_id = ANY (%s)
"""
_KEPT_UP = 0.97  # The share of the requested rate below which the figure would mean nothing.


class TooSlowError(CannotRunError):
    """The machine was too busy to commit events at the requested rate."""


def commit(postbacks: Sequence[Postback], rate: float, seconds: float) -> dict[int, float]:
    """Commits `rate` events a second, to the postbacks in turn, for `seconds` after a warm-up.

    Returns when each was committed, by the event's id, in seconds of the wall clock. Raises TooSlowError.
    """
    rows.add_events(postbacks, count(rate, seconds))
    log = Path(settings.DATA_DIR) / "log" / "bench-committed.jsonl"
    log.unlink(missing_ok=True)
    with running("reporter", program("reporter", rate, WARM_UP_SECONDS, seconds, log), "reporting") as reporter:
        reporter.wait(WARM_UP_SECONDS + seconds + _PATIENCE_SECONDS)
    lines = map(orjson.loads, log.read_bytes().splitlines())
    committed = {line["event"]: line["committed_at"] for line in lines}
    took = max(committed.values()) - min(committed.values())
    reached = (len(committed) - 1) / took
    if reached < _KEPT_UP * rate:
        raise TooSlowError(f"The machine is too busy: only {reached:.0f} of {rate:.0f} events a second were committed.")
    return committed


def count(rate: float, seconds: float) -> int:
    """How many events `commit` commits, including the warm-up."""
    return round((WARM_UP_SECONDS + seconds) * rate)


def latencies_ms(committed: dict[int, float], arrivals: Sequence[Arrival]) -> list[float]:
    """The times from commit to request at the receiver, sorted, for events with one delivery each."""
    return sorted(ms for _, ms in by_commit(committed, arrivals))


def by_commit(committed: dict[int, float], arrivals: Sequence[Arrival]) -> list[tuple[float, float]]:
    """The same unsorted, each with when it was committed."""
    first = first_arrivals(arrivals)
    return [
        (committed[event], (first[known_as] - committed[event]) * 1000)
        for event, (_, known_as) in deliveries(committed).items()
    ]


def first_arrivals(arrivals: Sequence[Arrival]) -> dict[str, float]:
    """When each delivery first arrived, by the id that the receiver saw."""
    first: dict[str, float] = {}
    for arrival in arrivals:
        first.setdefault(arrival.known_as, arrival.at)
    return first


def deliveries(events: Iterable[int]) -> dict[int, tuple[int, str]]:
    """The number of each event's delivery, and the id that the receiver saw; by event, for events with one each."""
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, [list(events)])
        return {event: (pk, known_as) for event, pk, known_as in cursor.fetchall()}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted `values` that at least `share` of them do not exceed."""
    position = -(-len(values) * share // 1)
    return values[max(0, int(position) - 1)]
