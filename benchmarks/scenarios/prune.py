"""How much pruning slows down live traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator

import orjson

from benchmarks import events, rows
from benchmarks.processes import program, running, workers
from benchmarks.receivers import own_receiver
from benchmarks.results import Figure, at_most
from postbacks.models import Postback

RATE = 500.0
DESTINATIONS = 50
ARRIVE_SECONDS = 30
PRUNE_SECONDS = 600
KINDS = 4  # Rows changed or deleted per past delivery: its attempt twice, its event, itself.


def figures(full: bool) -> Iterator[Figure]:
    """The same live events alone, and while old deliveries lose texts and personal data and are then deleted."""
    past, seconds = (250_000, 120.0) if full else (25_000, 10.0)
    alone, _ = _live(past, seconds, pruned=False)
    beside, told = _live(past, seconds, pruned=True)
    what = f"{RATE:.0f} events/s, slowest from commit to request: "
    shares = {"median": 0.5, "p99": 0.99, "p99.9": 0.999}
    for name, latencies in (("alone", alone), ("while pruning", beside)):
        details = {key: events.percentile(latencies, share) for key, share in shares.items()}
        yield Figure(what + name, latencies[-1], "ms", 1, details={"events": len(latencies), **details})
    yield Figure("slowest: how much slower while pruning", beside[-1] - alone[-1], "ms", 1, at_most(1_000))
    yield Figure(f"{past * KINDS:,} rows pruned meanwhile", past * KINDS / told["seconds"], "/s", details=told)


def _live(past: int, seconds: float, *, pruned: bool) -> tuple[list[float], dict[str, float]]:
    rows.clear()
    with own_receiver(logged=True) as receiver:
        old = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)], name="old")
        rows.add_history(old, past)
        moment = time.time()
        live = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])
        rows.settle()
        with workers():
            told: dict[str, float] = {}
            if not pruned:
                committed = events.commit(live, RATE, seconds)
            else:
                committed, told = _while_pruning(live, seconds, moment)
            arrivals = receiver.wait_for(events.count(RATE, seconds), ARRIVE_SECONDS)
        return events.latencies_ms(committed, arrivals), told


def _while_pruning(live: list[Postback], seconds: float, moment: float) -> tuple[dict[int, float], dict[str, float]]:
    with running("pruner", program("pruner", moment), "pruning") as pruner:
        committed = events.commit(live, RATE, seconds)
        pruner.wait(PRUNE_SECONDS)
        told: dict[str, float] = orjson.loads(pruner.tail().splitlines()[-1])
    return committed, told
