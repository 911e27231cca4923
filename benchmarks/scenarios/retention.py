"""What partitions of attempts are good for, and what they cost.

Old attempts are dropped while deliveries go out. Nights with the same number of deliveries each, with and without
partitions. The same drain with both.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import override_settings

from benchmarks import attempts, drains, events, past, rows, shelves
from benchmarks.processes import workers
from benchmarks.receivers import Receiver, fastest_receiver, own_receiver
from benchmarks.results import Figure, at_least, at_most
from operations.retention.ages import Ages
from operations.retention.partitions import drop_old
from operations.retention.prune import LEAST_PAUSE_SECONDS, prune
from postbacks import database
from postbacks.models import Postback

RATE = 500.0
DESTINATIONS = 20
ARRIVE_SECONDS = 30
NIGHTS, TEXTS_NIGHTS, KEPT_NIGHTS = 20, 1, 9
_SIZE = """
SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class
WHERE relname ~ '^postbacks_(attempt|delivery)(_(\\d+|rest))?$' AND relkind = 'r'
  AND relnamespace = 'public'::regnamespace
"""
# What autovacuum would do by now: it counts in the same way, but not as soon as a simulated night is over.
_DEAD = """
SELECT c.oid::regclass::text FROM pg_class c CROSS JOIN LATERAL (
    SELECT coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold'),
                    current_setting('autovacuum_vacuum_threshold'))::float8 AS least,
           coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor'),
                    current_setting('autovacuum_vacuum_scale_factor'))::float8 AS share
    FROM pg_options_to_table(c.reloptions)
) o
WHERE c.relname ~ '^postbacks_(attempt|delivery)(_(\\d+|rest))?$' AND c.relkind = 'r'
  AND c.relnamespace = 'public'::regnamespace
  AND pg_stat_get_dead_tuples(c.oid) > o.least + o.share * greatest(c.reltuples, 0)
"""


def figures(full: bool) -> Iterator[Figure]:
    """Dropped beside live traffic; nights; drains."""
    yield from dropped(20_000_000 if full else 400_000, 60.0 if full else 16.0)
    yield from _nights(100_000 if full else 10_000)
    yield from _drains(*(1_000_000, 100_000, 3) if full else (200_000, 40_000, 3))


def dropped(finished: int, seconds: float) -> Iterator[Figure]:
    """The attempts of the older half of so many deliveries go, while events come; half of the time is before that."""
    name = past.on_shelf(finished)
    with shelves.taken(name), own_receiver(logged=True) as receiver:
        live = rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)], name="live")
        rows.settle()
        took: dict[str, float] = {}
        moments: list[float] = []
        waits: list[float] = []
        with workers():
            dropper = threading.Timer(events.WARM_UP_SECONDS + seconds / 2, _drop, [took, moments, waits])
            dropper.start()
            committed = events.commit(live, RATE, seconds)
            dropper.join()
            arrivals = receiver.wait_for(events.count(RATE, seconds), ARRIVE_SECONDS)
        latencies = events.by_commit(committed, arrivals)
    shelves.discard(name)
    began, ended = moments
    before = sorted(ms for at, ms in latencies if at < began)
    meanwhile = sorted(ms for at, ms in latencies if began <= at < ended)
    what = f"{finished // 2:,} attempts dropped in {len(took)} partitions beside {RATE:.0f} events/s"
    yield Figure(f"{what}, in all", ended - began, "s", 1)
    yield Figure("the last steps of all partitions, with the removal of files", sum(took.values()) * 1000, "ms", 0)
    yield Figure("the longest of these steps", max(took.values()) * 1000, "ms", 0, details={"each": took})
    yield Figure("the longest that another statement waited", max(waits) * 1000, "ms", 0, at_most(100))
    found = []
    for when, values in (("before", before), ("meanwhile", meanwhile)):
        found.append(events.percentile(values, 0.99))
        shares = {"median": 0.5, "p90": 0.9, "p99.9": 0.999, "slowest": 1.0}
        details = {key: events.percentile(values, share) for key, share in shares.items()}
        yield Figure(f"commit → request {when}, p99", found[-1], "ms", 1, details={"events": len(values), **details})
    yield Figure("p99 meanwhile ÷ before", found[1] / found[0], "x", 2, at_most(1.2))


def _drop(took: dict[str, float], moments: list[float], waits: list[float]) -> None:
    """As pruning does it, with its pauses. `took` gets the last step of each partition; to wait for the lock counts, as
    does COMMIT, which removes the files once the locks are free."""
    engine = database.connect("benchmark")
    gone: list[str] = []
    enough = threading.Event()
    asking = threading.Thread(target=_ask, args=[waits, enough])
    asking.start()
    moments.append(time.time())
    for seconds in drop_old(engine, datetime.now(UTC) - timedelta(days=past.DAYS / 2), past.DAYS // 2, gone):
        if len(gone) > len(took):
            took[gone[-1]] = seconds
        time.sleep(max(seconds, LEAST_PAUSE_SECONDS))
    moments.append(time.time())
    enough.set()
    asking.join()
    engine.close()


def _ask(waits: list[float], enough: threading.Event) -> None:
    """How long a statement takes that needs a lock of the whole table, asked every millisecond."""
    asking = database.connect("benchmark")
    with asking.cursor() as cursor:
        while not enough.wait(0.001):
            began = time.monotonic()
            cursor.execute("SELECT FROM postbacks_attempt LIMIT 0")
            waits.append(time.monotonic() - began)
    asking.close()


def _nights(each: int) -> Iterator[Figure]:
    for partitioned in (False, True):
        sizes = nights(each, partitioned=partitioned)
        what = "in partitions" if partitioned else "in one table"
        described = f"{each:,} deliveries a night, {what}: after {NIGHTS} nights"
        yield Figure(described, sizes[-1], "MB", 1, details={"nights": sizes})
        settled = sizes[KEPT_NIGHTS]
        yield Figure(f"{described} ÷ after {KEPT_NIGHTS + 1}", sizes[-1] / settled, "x", 2, at_most(1.1))


def nights(each: int, *, partitioned: bool) -> list[float]:
    """The megabytes of deliveries and attempts after each night of so many new ones and of pruning."""
    ages = Ages(texts=TEXTS_NIGHTS, personal=None, deliveries=KEPT_NIGHTS, actions=None, submissions=None)
    sizes = []
    with attempts.width(each), override_settings(POSTBACKS_DELIVERIES_KEPT_DAYS=KEPT_NIGHTS):
        attempts.arrange(partitioned=partitioned)
        postbacks = rows.make_destinations(["http://127.0.0.1/in"])
        for night in range(NIGHTS):
            past.add_past(postbacks, each, days=(NIGHTS - night, NIGHTS - night - 1))
            prune(ages, now=datetime.now(UTC) - timedelta(days=NIGHTS - night - 1), pause=lambda _: False)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_force_next_flush()")
                cursor.execute(_DEAD)
                for (table,) in cursor.fetchall():
                    cursor.execute(f"VACUUM {table}")
            sizes.append(drains.scalar(_SIZE))
    return sizes


def _drains(finished: int, count: int, rounds: int) -> Iterator[Figure]:
    rates: dict[bool, list[float]] = {False: [], True: []}
    with attempts.width(finished // 4), fastest_receiver() as receiver:
        attempts.arrange(partitioned=True)
        postbacks = _destinations(receiver)
        past.add_past(postbacks, finished)
        for number in range(2 * rounds):
            partitioned = number % 4 in (1, 2)  # Neither is always the first.
            attempts.arrange(partitioned=partitioned)
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
        drains.wait_until_delivered(count, "retention", after=before)
    return drains.finished_per_second(after=before)
