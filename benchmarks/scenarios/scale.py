"""How throughput grows with worker hosts where receivers are slow: 1, 2 and 3 workers of one process each, which share
nothing but PostgreSQL and Redis. They share this machine's processors too, so it must not be those that limit them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import drains, rows
from benchmarks.processes import running_beat, running_worker
from benchmarks.receivers import own_receiver
from benchmarks.results import Figure, at_least
from postbacks.delivery.concurrency_limit import MOST_IN_FLIGHT

ANSWER_SECONDS = 0.3
HOSTS = (1, 2, 3)
_LEAST_GAIN = 0.8  # Of each further host, compared with the first.


def figures(full: bool) -> Iterator[Figure]:
    """One destination, so that a process has at most MOST_IN_FLIGHT requests in flight."""
    seconds = 30.0 if full else 8.0
    most = MOST_IN_FLIGHT / ANSWER_SECONDS
    alone = 0.0
    for hosts in HOSTS:
        rate = _drain(hosts, int(most * hosts * seconds))
        alone = alone or rate
        what = f"receiver answers after {ANSWER_SECONDS * 1000:.0f} ms, worker hosts: {hosts}"
        yield Figure(what, rate, "/s", details={"most possible": most * hosts})
        if hosts > 1:
            yield Figure("… ÷ one host", rate / alone, "x", 2, at_least(1 + (hosts - 1) * _LEAST_GAIN))


def _drain(hosts: int, count: int) -> float:
    rows.clear()
    with own_receiver(logged=False, delay_seconds=ANSWER_SECONDS) as receiver, ExitStack() as stack:
        rows.add_deliveries(rows.make_destinations([receiver.url(0)]), count)
        rows.settle()
        stack.enter_context(running_beat())
        for number in range(hosts):
            stack.enter_context(running_worker(f"host{number}", concurrency=1, kill=True))
        drains.wait_until_delivered(count, f"{hosts} hosts")
    return drains.finished_per_second()
