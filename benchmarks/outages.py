"""A backlog that drains while something fails: what is lost, what comes twice, how soon full speed is back."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from benchmarks import drains, rows
from benchmarks.processes import Running, workers
from benchmarks.receivers import Arrival, Receiver, fastest_receiver
from benchmarks.results import CannotRunError, Figure, at_most

DESTINATIONS = 20
WARM_UP_SECONDS = 1.0  # What was claimed together at the start arrives faster than what follows.
BUCKET_SECONDS = 0.5
STEADY_BUCKETS = 6  # The rate before a fault is the median of this many buckets.
STAYS_BUCKETS = 10  # Full speed must last this long: a fault may show only once claimed deliveries are used up.
FULL_SPEED = 0.8  # The first bucket and the average must reach this share of it; the rest is noise.
STANDSTILL = 0.4  # Each bucket must reach this share of it.
GIVE_UP_SECONDS = 40


@dataclass(slots=True)
class Load:
    """A worker that drains deliveries to a receiver that logs each."""

    worker: Running
    receiver: Receiver
    arrivals: list[Arrival] = field(default_factory=list)

    def watch(self, seconds: float) -> None:
        """Lets it run for `seconds`, and collects what arrives."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.worker.must_run()
            time.sleep(0.05)
            self.arrivals += self.receiver.new_arrivals()

    def begun(self) -> bool:
        """Whether anything has arrived yet."""
        self.watch(0.05)
        return bool(self.arrivals)

    def per_second(self, since: float) -> list[float]:
        """Arrivals per second in each whole bucket from `since` (wall clock) until now."""
        buckets = Counter(int((arrival.at - since) // BUCKET_SECONDS) for arrival in self.arrivals)
        whole = int((time.time() - 0.2 - since) // BUCKET_SECONDS)  # The log may lag by 0.1 s.
        return [buckets[number] / BUCKET_SECONDS for number in range(whole)]

    def lost_and_repeated(self) -> tuple[int, dict[int, int]]:
        """Once all is delivered: how many deliveries never arrived, and how many times too often others came, by id."""
        self.watch(0.3)
        times = Counter(arrival.delivery_id for arrival in self.arrivals)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM postbacks_delivery")
            lost = sum(delivery_id not in times for (delivery_id,) in cursor.fetchall())
        return lost, {delivery_id: count - 1 for delivery_id, count in times.items() if count > 1}


@contextmanager
def load(count: int) -> Iterator[Load]:
    """A worker at full speed: the first requests have arrived when the block begins."""
    rows.clear()
    with fastest_receiver(logged=True) as receiver:
        rows.add_deliveries(rows.make_destinations([receiver.url(number) for number in range(DESTINATIONS)]), count)
        rows.settle()
        with workers() as worker:
            under_load = Load(worker, receiver)
            drains.wait_for(under_load.begun, 30, "the drain begins")
            yield under_load


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a fault did to the arrivals per second, in buckets of BUCKET_SECONDS from the fault on."""

    before: float
    after: list[float]
    seconds: float | None  # Until arrivals were at full speed and stayed there; None if that was not seen.

    def figure(self, what: str, within_seconds: float) -> Figure:
        """The figure. Raises CannotRunError if the load ended too early to tell."""
        details = {"before_per_second": self.before, "after_per_second": self.after}
        if self.seconds is not None:
            return Figure(what, self.seconds, "s", 1, at_most(within_seconds), details)
        watched = len(self.after) * BUCKET_SECONDS
        if watched < within_seconds:
            raise CannotRunError(f"{what}: not within {watched:.1f} s, when the load ended; arrivals: {self.after}")
        return Figure(f"{what} (not seen)", watched, "s", 1, at_most(within_seconds), details)


def strike(under_load: Load, fault: Callable[[], None]) -> Recovery:
    """Lets the load run steadily, causes the fault, and watches until full speed is back.

    `fault` returns when what it broke is available again.
    """
    under_load.watch(WARM_UP_SECONDS)
    began = time.time()
    under_load.watch(STEADY_BUCKETS * BUCKET_SECONDS + 0.3)
    before = statistics.median(under_load.per_second(began)[-STEADY_BUCKETS:])
    struck = time.time()
    fault()
    # Workers still send what they hold, so arrivals count only from when the fault is over.
    back = int((time.time() - struck) // BUCKET_SECONDS)
    while True:
        under_load.watch(BUCKET_SECONDS)
        after = under_load.per_second(struck)
        for number in range(back, len(after) - STAYS_BUCKETS + 1):
            if _stays_fast(after[number : number + STAYS_BUCKETS], before):
                return Recovery(before, after, number * BUCKET_SECONDS)
        if time.time() > struck + GIVE_UP_SECONDS or drains.all_finished():
            return Recovery(before, after, None)


def _stays_fast(buckets: list[float], before: float) -> bool:
    fast = FULL_SPEED * before
    return buckets[0] >= fast and statistics.mean(buckets) >= fast and min(buckets) >= STANDSTILL * before
