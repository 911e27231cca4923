"""How soon after its commit an event reaches its receiver, under steady traffic."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import events, rows, trace
from benchmarks.processes import workers
from benchmarks.receivers import own_receiver
from benchmarks.results import Figure, at_most

RATE = 200.0
DESTINATIONS = 50
ARRIVE_SECONDS = 30
TRACED_RATE, TRACED_DESTINATIONS = 100.0, 20


def figures(full: bool) -> Iterator[Figure]:
    """Through the real outbox: a separate process commits each event in its own transaction."""
    seconds = 60.0 if full else 10.0
    rows.clear()
    with own_receiver(logged=True) as receiver:
        postbacks = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])
        with workers():
            committed = events.commit(postbacks, RATE, seconds)
            arrivals = receiver.wait_for(events.count(RATE, seconds), ARRIVE_SECONDS)
        latencies = events.latencies_ms(committed, arrivals)
    what = f"{RATE:.0f} events/s, {DESTINATIONS} destinations, commit → request: "
    shares = {"p90": 0.90, "p99.9": 0.999, "max": 1.0}
    details = {
        "events": len(latencies),
        **{name: events.percentile(latencies, share) for name, share in shares.items()},
    }
    yield Figure(what + "median", events.percentile(latencies, 0.5), "ms", 1, at_most(20), details)
    yield Figure(what + "p99", events.percentile(latencies, 0.99), "ms", 1, at_most(60), details)
    rows.clear()
    with own_receiver(logged=True) as receiver:
        postbacks = rows.make_destinations([receiver.url(number) for number in range(TRACED_DESTINATIONS)])
        yield from trace.figures(receiver, postbacks, TRACED_RATE, seconds)
