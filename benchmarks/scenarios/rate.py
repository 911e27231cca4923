"""Whether Maximum Requests holds at the receiver in every window of one second, and how much of it is used."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.db import connection
from tqdm import trange

from benchmarks import rows
from benchmarks.drains import wait_for
from benchmarks.processes import CONCURRENCY, workers
from benchmarks.receivers import Arrival, own_receiver
from benchmarks.results import Figure, at_least, at_most
from postbacks.models import Postback

LIMITS = (5, 50, 500)
START_SECONDS = 15


def figures(full: bool) -> Iterator[Figure]:
    """All limits at once, each with more due than it allows."""
    seconds = 60 if full else 12
    rows.clear()
    with own_receiver(logged=True) as receiver:
        for number, limit in enumerate(LIMITS):
            (postback,) = rows.make_destinations([receiver.url(number)], name=f"limit {limit}", maximum_requests=limit)
            rows.add_deliveries([postback], limit * (seconds + START_SECONDS))
        with workers():
            wait_for(lambda: bool(receiver.new_arrivals()), START_SECONDS, "any arrives")
            for _ in trange(seconds * 10, desc="rate", leave=False, disable=None, unit=""):
                time.sleep(0.1)
            arrivals = receiver.new_arrivals()
    by_limit = _by_limit(arrivals)
    for limit in LIMITS:
        times = sorted(by_limit[limit])
        used = (len(times) - 1) / (times[-1] - times[0]) / limit * 100
        what = f"Maximum Requests {limit}, {CONCURRENCY} processes: "
        details = {"arrivals": len(times), "seconds": times[-1] - times[0]}
        yield Figure(what + "most in any 1 s", most_in_a_second(times), "", 0, at_most(limit), details)
        yield Figure(what + "used", used, "%", 1, at_least(95), details)


def most_in_a_second(times: Sequence[float]) -> int:
    """The most of the sorted `times` within any window of one second."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def _by_limit(arrivals: Sequence[Arrival]) -> dict[int, list[float]]:
    limits = dict(Postback.objects.values_list("id", "maximum_requests"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, postback_id FROM postbacks_delivery")
        postbacks = dict(cursor.fetchall())
    times: dict[int, list[float]] = defaultdict(list)
    for arrival in arrivals:
        times[limits[postbacks[arrival.delivery_id]] or 0].append(arrival.at)
    return times
