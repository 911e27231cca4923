"""What waiting deliveries cost, and how punctually they are sent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from django.db import connection

from benchmarks import events, memory, rows
from benchmarks.processes import Running, workers
from benchmarks.receivers import Receiver, own_receiver
from benchmarks.results import Figure, at_least, at_most

DAY_SECONDS = 86_400.0
DESTINATIONS = 50
SETTLE_SECONDS = 6  # Several sweeps.
DUE_RATE = 200.0
DUE_SECONDS = 5.0
DELAY_SECONDS = 5
ARRIVE_SECONDS = 30

# By the id that the receiver saw.
_DUE = """
SELECT coalesce(known_by::text, id::text), extract(epoch FROM due_at)::float8 FROM postbacks_delivery
WHERE due_at <= now()
"""


def figures(full: bool) -> Iterator[Figure]:
    """Many that wait for days, and two kinds that become due during the run."""
    waiting = 1_000_000 if full else 50_000
    rows.clear()
    with own_receiver(logged=True) as receiver:
        urls = [receiver.url(number) for number in range(DESTINATIONS)]
        postbacks = rows.make_destinations(urls)
        with workers() as worker:
            before = _memory_at_rest(worker)
            rows.add_deliveries(postbacks, waiting, due_in_seconds=DAY_SECONDS, spread_seconds=20 * DAY_SECONDS)
            after = _memory_at_rest(worker)
            what = f"{waiting:,} deliveries waiting: worker memory beyond empty, "
            for kind in ("pss", "rss"):
                grown = after[kind] - before[kind]
                yield Figure(what + kind.upper(), grown, "MB", 1, at_most(20), {"before": before, "after": after})

            # As after a loss of Redis: only the rows know them, and the sweep finds them.
            count = events.count(DUE_RATE, DUE_SECONDS)
            rows.add_deliveries(postbacks, count, due_in_seconds=3, spread_seconds=DUE_SECONDS)
            yield from _punctuality("due by their rows alone", receiver, count)

            # The usual way: the commit of each sets a timer.
            delayed = rows.make_destinations(urls, name="delayed", minimum_delay_seconds=DELAY_SECONDS)
            events.commit(delayed, DUE_RATE, DUE_SECONDS)
            yield from _punctuality(f"Minimum Delay {DELAY_SECONDS} s", receiver, count)


def _memory_at_rest(worker: Running) -> Mapping[str, float]:
    time.sleep(SETTLE_SECONDS)
    return memory.megabytes(worker)


def _punctuality(what: str, receiver: Receiver, count: int) -> Iterator[Figure]:
    arrivals = receiver.wait_for(count, ARRIVE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        due = dict(cursor.fetchall())
    late = sorted(arrival.at - due[arrival.known_as] for arrival in arrivals)
    details = {"deliveries": len(late), "max": late[-1]}
    yield Figure(f"{what}: lateness, median", events.percentile(late, 0.5), "s", 2, at_most(0.5), details)
    yield Figure(f"{what}: lateness, p99", events.percentile(late, 0.99), "s", 2, at_most(1.5), details)
    # Arrivals are logged to the millisecond, or come from another clock of the same machine.
    yield Figure(f"{what}: earliest, after its time", late[0], "s", 3, at_least(0), details)
