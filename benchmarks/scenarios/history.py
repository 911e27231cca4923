"""How much finished deliveries in the tables slow down those that are due."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import drains, rows
from benchmarks.processes import workers
from benchmarks.receivers import Receiver, fastest_receiver
from benchmarks.results import Figure, at_least
from postbacks.models import Postback

DESTINATIONS = 20


def figures(full: bool) -> Iterator[Figure]:
    """The same drain, first with empty tables, then with a history."""
    finished, count, rounds = (2_000_000, 100_000, 3) if full else (200_000, 40_000, 2)
    with fastest_receiver() as receiver:
        empty = [_rate(_fresh(receiver), count) for _ in range(rounds)]
        postbacks = _fresh(receiver)
        rows.add_history(postbacks, finished)
        past = [_rate(postbacks, count) for _ in range(rounds)]
    yield Figure("drain with an empty history", statistics.median(empty), "/s", details={"rounds": empty})
    what = f"drain with {finished:,} finished deliveries"
    yield Figure(what, statistics.median(past), "/s", details={"rounds": past})
    yield Figure(f"{what} ÷ empty", statistics.median(past) / statistics.median(empty), "x", 2, at_least(0.9))


def _fresh(receiver: Receiver) -> list[Postback]:
    rows.clear()
    return rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])


def _rate(postbacks: list[Postback], count: int) -> float:
    before = drains.latest()
    rows.add_deliveries(postbacks, count)
    rows.settle()
    with workers():
        drains.wait_until_delivered(count, "history")
    return drains.finished_per_second(after=before)
