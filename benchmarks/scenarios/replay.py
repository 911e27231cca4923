"""What a replay of many actions costs: its dry run, its speed, its memory, and the delay of live traffic."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import psutil

from benchmarks import drains, events, rows
from benchmarks.processes import Running, running, workers
from benchmarks.receivers import Receiver, fastest_receiver, own_receiver
from benchmarks.results import Figure, at_least, at_most
from postbacks.models import Postback
from postbacks.replay.plan import plan
from postbacks.replay.selection import Selection

COUNT = 100_000
DESTINATIONS, LIVE_DESTINATIONS = 20, 20
RATE = 100.0
SECONDS = 10.0
ARRIVE_SECONDS = 60
_POLL_SECONDS = 0.1


def figures(_full: bool) -> Iterator[Figure]:
    """Compared with a drain of as many; and the same live traffic with and without the replay."""
    with fastest_receiver() as receiver:
        urls = [receiver.url(number) for number in range(DESTINATIONS)]
        rows.clear()
        rows.add_deliveries(rows.make_destinations(urls), COUNT)
        rows.settle()
        with workers():
            drains.wait_until_delivered(COUNT, "drain")
        drain = drains.finished_per_second()
        yield Figure(f"drain of {COUNT:,}, {DESTINATIONS} destinations", drain, "/s")

        began = time.monotonic()
        planned = plan(Selection())
        yield Figure(f"dry run of {planned.total:,}", time.monotonic() - began, "s", 2, at_most(2))

        last = drains.latest()
        with workers(), _replay() as replay:
            memory = _memory_until_the_end(replay)
            drains.wait_until_delivered(COUNT, "replay")
        speed = drains.finished_per_second(after=last)
        yield Figure(f"replay of {COUNT:,}", speed, "/s")
        yield Figure("replay ÷ drain", speed / drain, "x", 2, at_least(0.8))
        grown = (max(memory) - memory[0]) / 1e6
        yield Figure("memory of the command: growth from its first batch on", grown, "MB", 1, at_most(20))

        alone, _ = _live(urls, replayed=False)
        beside, left = _live(urls, replayed=True)
    what = f"{RATE:.0f} events/s, {LIVE_DESTINATIONS} destinations, p99: "
    first, second = events.percentile(alone, 0.99), events.percentile(beside, 0.99)
    yield Figure(what + "alone", first, "ms", 1, details={"median": events.percentile(alone, 0.5)})
    details = {"median": events.percentile(beside, 0.5), "left to replay at the end": left}
    yield Figure(what + "during a replay", second, "ms", 1, details=details)
    yield Figure("p99 during a replay ÷ alone", second / first, "x", 2, at_most(1.5))


def _live(urls: list[str], *, replayed: bool) -> tuple[list[float], int]:
    rows.clear()
    old = rows.make_destinations(urls)
    rows.add_history(old, COUNT)
    with own_receiver(logged=True) as receiver, workers(kill=True):
        live = rows.make_destinations([receiver.url(number) for number in range(LIVE_DESTINATIONS)], name="live")
        if not replayed:
            return _latencies(live, receiver), 0
        with _replay():
            latencies = _latencies(live, receiver)
            return latencies, drains.unfinished()


def _latencies(live: list[Postback], receiver: Receiver) -> list[float]:
    committed = events.commit(live, RATE, SECONDS)
    arrivals = receiver.wait_for(events.count(RATE, SECONDS), ARRIVE_SECONDS)
    return events.latencies_ms(committed, arrivals)


def _replay() -> AbstractContextManager[Running]:
    command = [sys.executable, "manage.py", "replay_actions", "--yes"]
    return running("replay", command, "The first:", kill=True)


def _memory_until_the_end(replay: Running) -> list[int]:
    found: list[int] = []
    while not replay.ended():
        try:
            found.append(replay.process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(_POLL_SECONDS)
    if not re.search(r"were handed over", replay.tail()):
        replay.must_run()
    return found
