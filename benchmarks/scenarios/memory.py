"""Whether the memory of a worker grows with the number of deliveries."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import drains, memory, rows
from benchmarks.processes import workers
from benchmarks.receivers import fastest_receiver
from benchmarks.results import Figure, at_most

DESTINATIONS = 50
ROUNDS = 10
SETTLE_SECONDS = 3


def figures(full: bool) -> Iterator[Figure]:
    """Ten backlogs one after another; memory is read after each."""
    count = 100_000 if full else 10_000
    rows.clear()
    found = []
    with fastest_receiver() as receiver:
        postbacks = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])
        with workers() as worker:
            for number in range(1, ROUNDS + 1):
                rows.add_deliveries(postbacks, count)
                drains.wait_until_delivered(count, f"memory, {number} of {ROUNDS}")
                time.sleep(SETTLE_SECONDS)
                found.append(memory.megabytes(worker)["pss"])
    yield Figure(f"worker after {count:,} deliveries, PSS", found[0], "MB", 1, details={"rounds": found})
    yield Figure(f"worker after {ROUNDS * count:,} deliveries, PSS", found[-1], "MB", 1)
    yield Figure("growth from the first to the last", (found[-1] / found[0] - 1) * 100, "%", 1, at_most(10))
