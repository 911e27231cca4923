"""What partitions of attempts are good for, and what they cost.

Old attempts are dropped while deliveries go out. Nights with the same number of deliveries each, with and without
partitions. The same drain with both.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import override_settings

from benchmarks import drains, events, rows
from benchmarks.processes import workers
from benchmarks.receivers import Receiver, fastest_receiver, own_receiver
from benchmarks.results import Figure, at_least, at_most
from operations.retention.ages import Ages
from operations.retention.partitions import drop_old
from operations.retention.prune import prune
from postbacks import database
from postbacks.models import Postback
from postbacks.partitions import ahead
from postbacks.partitions.back import back
from postbacks.partitions.briefly import briefly
from postbacks.partitions.move import move, start_partitioned
from postbacks.partitions.ranges import TABLE, is_partitioned

RATE = 500.0
DESTINATIONS = 20
ARRIVE_SECONDS = 30
NIGHTS, TEXTS_NIGHTS, KEPT_NIGHTS = 20, 1, 9
_SIZE = """
SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class
WHERE relname ~ '^postbacks_(attempt|delivery)(_(\\d+|rest))?$' AND relkind = 'r'
"""


def figures(full: bool) -> Iterator[Figure]:
    """Dropped beside live traffic; nights; drains."""
    yield from _dropped(2_000_000 if full else 200_000, 20.0 if full else 8.0)
    yield from _nights(40_000 if full else 10_000)
    yield from _drains(*(1_000_000, 100_000, 3) if full else (200_000, 40_000, 3))


def _dropped(past: int, seconds: float) -> Iterator[Figure]:
    with _width(past // 2):
        rows.clear()
        _arrange(partitioned=True)
        with own_receiver(logged=True) as receiver:
            old = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)], name="old")
            rows.add_history(old, past, days_ago=20)
            rows.add_history(old, 1_000, days_ago=15)  # The next partition has begun, and long ago.
            live = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])
            rows.settle()
            took: list[float] = []
            with workers():
                dropper = threading.Timer(events.WARM_UP_SECONDS + seconds / 2, _drop, [took])
                dropper.start()
                committed = events.commit(live, RATE, seconds)
                dropper.join()
                arrivals = receiver.wait_for(events.count(RATE, seconds), ARRIVE_SECONDS)
        latencies = events.latencies_ms(committed, arrivals)
        what = f"{past:,} attempts dropped in {len(took)} partitions, beside {RATE:.0f} events/s"
        yield Figure(f"{what}: longest lock", max(took) * 1000, "ms", 0, at_most(1_000), {"all": took})
        shares = {"median": 0.5, "p99": 0.99, "p99.9": 0.999}
        details = {key: events.percentile(latencies, share) for key, share in shares.items()}
        yield Figure("slowest event meanwhile", latencies[-1], "ms", 0, details=details)


def _drop(took: list[float]) -> None:
    """Each partition's last step has the lock; it may wait for others to let go, which counts too."""
    engine = database.connect("benchmark")
    dropped: list[str] = []
    before = 0
    for seconds in drop_old(engine, datetime.now(UTC) - timedelta(days=10), 10, dropped):
        if len(dropped) > before:
            took.append(seconds)
            before = len(dropped)
    engine.close()


def _nights(each: int) -> Iterator[Figure]:
    ages = Ages(texts=TEXTS_NIGHTS, personal=None, deliveries=KEPT_NIGHTS, actions=None, submissions=None)
    for partitioned in (False, True):
        with _width(each), override_settings(POSTBACKS_DELIVERIES_KEPT_DAYS=KEPT_NIGHTS):
            rows.clear()
            _arrange(partitioned=partitioned)
            postbacks = rows.make_destinations(["http://127.0.0.1/in"])
            sizes = []
            for night in range(NIGHTS):
                rows.add_history(postbacks, each, days_ago=NIGHTS - night)
                prune(ages, now=datetime.now(UTC) - timedelta(days=NIGHTS - night - 1), pause=lambda _: False)
                with connection.cursor() as cursor:
                    cursor.execute("VACUUM postbacks_attempt, postbacks_delivery")
                sizes.append(drains.scalar(_SIZE))
        what = "in partitions" if partitioned else "in one table"
        described = f"{each:,} deliveries a night, {what}: after {NIGHTS} nights"
        yield Figure(described, sizes[-1], "MB", 1, details={"nights": sizes})
        settled = sizes[KEPT_NIGHTS]
        yield Figure(f"{described} ÷ after {KEPT_NIGHTS + 1}", sizes[-1] / settled, "x", 2, at_most(1.1))


def _drains(finished: int, count: int, rounds: int) -> Iterator[Figure]:
    rates: dict[bool, list[float]] = {False: [], True: []}
    with _width(finished // 4), fastest_receiver() as receiver:
        rows.clear()
        _arrange(partitioned=True)
        postbacks = _destinations(receiver)
        rows.add_history(postbacks, finished)
        for number in range(2 * rounds):
            partitioned = number % 4 in (1, 2)  # Neither is always the first.
            _arrange(partitioned=partitioned)
            rates[partitioned].append(_rate(postbacks, count))
    for partitioned, found in rates.items():
        what = "in partitions" if partitioned else "in one table"
        median = statistics.median(found)
        yield Figure(f"drain beside {finished:,} finished, {what}", median, "/s", details={"rounds": found})
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    yield Figure("in partitions ÷ in one table", ratio, "x", 2, at_least(0.95))


def _destinations(receiver: Receiver) -> list[Postback]:
    return rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)])


def _rate(postbacks: list[Postback], count: int) -> float:
    before = drains.latest()
    rows.add_deliveries(postbacks, count)
    rows.make_partitions()
    rows.settle()
    with workers():
        drains.wait_until_delivered(count, "retention")
    return drains.finished_per_second(after=before)


def _arrange(*, partitioned: bool) -> None:
    """Puts the attempts into one table, or into partitions."""
    engine = database.connect("benchmark")
    with engine.cursor() as cursor:
        there = is_partitioned(cursor)
    if there and not partitioned:
        back(engine, lambda *_: None)
    elif partitioned and not there:
        briefly(engine, start_partitioned, TABLE, tries=1)
        with engine.cursor() as cursor:
            there = is_partitioned(cursor)
        if not there:
            move(engine, lambda _: None)
    engine.close()


@contextmanager
def _width(ids: int) -> Iterator[None]:
    """Partitions of so many ids at least, and the table anew afterwards."""
    before, ahead.LEAST_WIDTH = ahead.LEAST_WIDTH, ids
    try:
        rows.clear()
        _arrange(partitioned=False)
        yield
    finally:
        ahead.LEAST_WIDTH = before
