"""How many statements a worker needs for a thousand deliveries, counted at its database driver."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from benchmarks import drains, events, rows
from benchmarks.processes import workers
from benchmarks.programs.counted import FILE
from benchmarks.receivers import fastest_receiver
from benchmarks.results import Figure

APP = "benchmarks.programs.counted"
LIVE_RATE, LIVE_DESTINATIONS = 100.0, 50


def figures(full: bool) -> Iterator[Figure]:
    """For the drain of a backlog, to one destination and to many, and under steady traffic."""
    count = 100_000 if full else 20_000
    for destinations in (1, 1_000):
        rows.clear()
        with fastest_receiver() as receiver:
            urls = [receiver.url(number) for number in range(destinations)]
            rows.add_deliveries(rows.make_destinations(urls), count)
            with _counted() as log:
                drains.wait_until_delivered(count, "statements")
        yield _figure(f"drain, {destinations:,} destination{'s' if destinations > 1 else ''}", count, log)
    seconds = 30.0 if full else 5.0
    rows.clear()
    with fastest_receiver() as receiver:
        postbacks = rows.make_destinations([receiver.url(number) for number in range(LIVE_DESTINATIONS)])
        with _counted() as log:
            events.commit(postbacks, LIVE_RATE, seconds)
            drains.wait_until_delivered(0, "statements")
    yield _figure(f"{LIVE_RATE:.0f} events/s, {LIVE_DESTINATIONS} destinations", sum(drains.states().values()), log)


@contextmanager
def _counted() -> Iterator[Path]:
    """Workers that log each statement; yields the log file."""
    log = Path(settings.DATA_DIR) / "log" / "bench-statements.log"
    log.unlink(missing_ok=True)
    os.environ[FILE] = str(log)
    with workers(APP):
        yield log
    del os.environ[FILE]


def _figure(what: str, deliveries: int, log: Path) -> Figure:
    by_text = Counter(log.read_text().splitlines())
    details = {text: round(number * 1000 / deliveries, 1) for text, number in by_text.most_common()}
    return Figure(f"statements per 1,000 deliveries: {what}", by_text.total() * 1000 / deliveries, "", 0, None, details)
