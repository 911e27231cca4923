"""How much finished deliveries in the tables slow down those that are due, and what one then costs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from benchmarks import drains, past, rows, shelves, usage
from benchmarks.processes import workers
from benchmarks.receivers import Receiver, fastest_receiver
from benchmarks.results import Figure, at_least, at_most

DESTINATIONS = 20
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"
COUNT = 40_000  # A drain of some ten seconds: the machine changes between long ones.


@dataclass(frozen=True, slots=True)
class Drained:
    """The rate, and the microseconds of a processor and the bytes of WAL that a delivery took."""

    rate: float
    python: float
    postgres: float
    by_backend: dict[str, float]
    wal: float


def figures(full: bool) -> Iterator[Figure]:
    """The same drain in turn with empty tables and beside a past, several times; the medians count."""
    sizes, rounds = ((2_000_000, 20_000_000), 5) if full else ((200_000,), 2)
    with fastest_receiver() as receiver:
        for finished in sizes:
            name = past.on_shelf(finished)
            empty: list[Drained] = []
            beside: list[Drained] = []
            for number in range(rounds):
                for full_first in (True, False) if number % 2 else (False, True):
                    (beside if full_first else empty).append(drain(receiver, name if full_first else None))
            yield from _compared(finished, empty, beside)


def drain(receiver: Receiver, shelf: str | None) -> Drained:
    """One drain, with empty tables or in the database on a shelf, whose deliveries are of the same postbacks."""
    with shelves.taken(shelf) if shelf else nullcontext():
        if shelf:
            postbacks = past.aim([receiver.url(number) for number in range(DESTINATIONS)])
        else:
            rows.clear()
            postbacks = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])
        before = drains.latest()
        rows.add_deliveries(postbacks, COUNT)
        rows.make_partitions()
        rows.settle()
        took, wal = usage.backends(), drains.scalar(WAL)
        with workers() as worker:
            drains.wait_until_delivered(COUNT, "history", after=before)
            wal = drains.scalar(WAL) - wal
            used = {name: (now - took.get(name, 0.0)) / COUNT * 1e6 for name, now in usage.backends().items()}
            python = sum(sum(child.cpu_times()[:2]) for child in worker.children()) / COUNT * 1e6
        return Drained(drains.finished_per_second(after=before), python, sum(used.values()), used, wal / COUNT)


def _compared(finished: int, empty: list[Drained], beside: list[Drained]) -> Iterator[Figure]:
    parts = (
        ("rate", "drain", "/s", 0, at_least(0.95)),
        ("postgres", "PostgreSQL's processor time of a delivery", "µs", 1, at_most(1.05)),
        ("python", "Python's", "µs", 1, at_most(1.05)),
        ("wal", "WAL of a delivery", "bytes", 0, None),
    )
    for part, what, unit, decimals, target in parts:
        medians = []
        for where, drained in (("beside nothing", empty), (f"beside {finished:,} finished", beside)):
            values = [getattr(each, part) for each in drained]
            medians.append(statistics.median(values))
            details = {"rounds": values, "by_backend": [each.by_backend for each in drained]}
            yield Figure(f"{what} {where}", medians[-1], unit, decimals, details=details)
        yield Figure(f"{what}: beside {finished:,} ÷ nothing", medians[1] / medians[0], "x", 2, target)
