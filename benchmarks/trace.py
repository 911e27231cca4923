"""Where the time goes between the commit of an event and the record of its delivery, hop by hop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from django.conf import settings

from benchmarks import drains, events
from benchmarks.processes import workers
from benchmarks.programs.traced import FILE
from benchmarks.receivers import Receiver
from benchmarks.results import Figure
from postbacks.models import Postback

APP = "benchmarks.programs.traced"
_PATIENCE_SECONDS = 30
# From one to the next; the receiver's note lies between `started` and `answered`.
_STEPS = (
    ("committed", "taken", "woken: the script in Redis, the bell, the lanes"),
    ("taken", "claimed", "claimed"),
    ("claimed", "built", "built"),
    ("built", "started", "handed to the sender, and to libcurl"),
    ("started", "arrived", "connected, written and read by the receiver"),
    ("arrived", "answered", "answered"),
    ("answered", "recorded", "recorded"),
)


@contextmanager
def _traced() -> Iterator[Path]:
    log = Path(settings.DATA_DIR) / "log" / "bench-trace.jsonl"
    log.unlink(missing_ok=True)
    os.environ[FILE] = str(log)
    with workers(APP):
        yield log
    del os.environ[FILE]


def figures(receiver: Receiver, postbacks: list[Postback], rate: float, seconds: float) -> Iterator[Figure]:
    """The median of each step at `rate` events a second, with p99."""
    with _traced() as log:
        committed = events.commit(postbacks, rate, seconds)
        arrivals = receiver.wait_for(events.count(rate, seconds), _PATIENCE_SECONDS)
        drains.wait_until_delivered(0, "trace")
    first = events.first_arrivals(arrivals)
    lines = {line["delivery"]: line for line in map(orjson.loads, log.read_bytes().splitlines())}
    ways = [
        {**lines[delivery], "committed": committed[event], "arrived": first[known_as]}
        for event, (delivery, known_as) in events.deliveries(committed).items()
    ]
    for begin, end, what in _STEPS:
        took = sorted((way[end] - way[begin]) * 1000 for way in ways)
        yield Figure(
            f"trace at {rate:.0f}/s, median: {what}",
            events.percentile(took, 0.5),
            "ms",
            2,
            None,
            {"p99": events.percentile(took, 0.99), "events": len(took)},
        )
