"""How much destinations that never answer slow down those that do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import events, rows
from benchmarks.processes import free_port, program, running, workers
from benchmarks.programs import silent
from benchmarks.receivers import own_receiver
from benchmarks.results import Figure, at_most

ANSWERING, SILENT = 20, 300
RATE = 100.0
# Per silent destination, due at once: together more than both processes may have in flight.
BACKLOG = 40
# Until the silent ones have taken all they can get.
TAKE_HOLD_SECONDS = 5
ARRIVE_SECONDS = 30


def figures(full: bool) -> Iterator[Figure]:
    """The same traffic to those that answer, first alone, then with a backlog for those that do not."""
    # In both, the first transfers to the silent ones time out; the longer run also retries them.
    seconds = 45.0 if full else 10.0
    alone = _latencies(seconds, silent_hosts=0)
    beside = _latencies(seconds, silent_hosts=SILENT)
    for share, text in ((0.5, "median"), (0.99, "p99")):
        what = f"{RATE:.0f} events/s, {ANSWERING} destinations that answer, {text}: "
        first, second = events.percentile(alone, share), events.percentile(beside, share)
        yield Figure(what + "alone", first, "ms", 1, details={"events": len(alone), "max": alone[-1]})
        yield Figure(what + f"beside {SILENT}", second, "ms", 1, details={"events": len(beside), "max": beside[-1]})
    yield Figure("p99 beside those that never answer ÷ alone", second / first, "x", 2, at_most(1.5))


def _latencies(seconds: float, silent_hosts: int) -> list[float]:
    rows.clear()
    with own_receiver(logged=True) as receiver, workers(kill=True):  # A warm shutdown would wait for those that hang.
        postbacks = rows.make_destinations([receiver.url(number) for number in range(ANSWERING)])
        with _silence(silent_hosts):
            committed = events.commit(postbacks, RATE, seconds)
            arrivals = receiver.wait_for(events.count(RATE, seconds), ARRIVE_SECONDS)
        return events.latencies_ms(committed, arrivals)


@contextmanager
def _silence(hosts: int) -> Iterator[None]:
    if not hosts:
        yield
        return
    port = free_port()
    with running("silent", program("silent", port, hosts), "listening", kill=True):
        urls = [f"http://{silent.address(number)}:{port}/in" for number in range(hosts)]
        rows.add_deliveries(rows.make_destinations(urls, name="silent"), hosts * BACKLOG)
        time.sleep(TAKE_HOLD_SECONDS)
        yield
