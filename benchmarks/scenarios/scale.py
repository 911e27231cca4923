"""How throughput grows with worker hosts where receivers are slow: 1, 2 and 3 workers of one process each, which share
nothing but PostgreSQL and Redis. They share this machine's processors too, so it must not be those that limit them.

What is measured is the rate while all of them work. Before that each has to start, and to raise the number of its
requests in flight: it begins with two, and doubles them with every round of answers.
"""

from __future__ import annotations

import time
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
_START_SECONDS = 5.0  # Of one host, on a slow machine; the others work meanwhile.
_RAMP_SECONDS = 4.0  # Seven rounds of answers, and a second until the sweep has found the first delivery.
_FINISHED = """
SELECT count(*) FROM postbacks_delivery WHERE finished_at > now() - make_interval(secs => %s)
"""


def figures(full: bool) -> Iterator[Figure]:
    """One destination, so that a process has at most MOST_IN_FLIGHT requests in flight."""
    seconds = 20 if full else 6
    most = MOST_IN_FLIGHT / ANSWER_SECONDS
    alone = 0.0
    for hosts in HOSTS:
        rate = _rate(hosts, seconds, most * hosts)
        alone = alone or rate
        what = f"receiver answers after {ANSWER_SECONDS * 1000:.0f} ms, worker hosts: {hosts}"
        yield Figure(what, rate, "/s", details={"most possible": most * hosts})
        if hosts > 1:
            yield Figure("… ÷ one host", rate / alone, "x", 2, at_least(1 + (hosts - 1) * _LEAST_GAIN))


def _rate(hosts: int, seconds: int, most: float) -> float:
    """Deliveries a second, in the last of so many seconds in which all hosts have worked and more was due."""
    rows.clear()
    with own_receiver(logged=False, delay_seconds=ANSWER_SECONDS) as receiver, ExitStack() as stack:
        count = int(most * (hosts * _START_SECONDS / 2 + _RAMP_SECONDS + seconds))
        rows.add_deliveries(rows.make_destinations([receiver.url(0)]), count)
        rows.settle()
        stack.enter_context(running_beat())
        for number in range(hosts):
            stack.enter_context(running_worker(f"host{number}", concurrency=1, kill=True))
        time.sleep(_RAMP_SECONDS + seconds)
        rate = drains.scalar(_FINISHED, seconds) / seconds
        if drains.all_finished():
            raise drains.StuckError(f"{hosts} hosts were done before they were measured.")
    return rate
