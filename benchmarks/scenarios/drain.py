"""How fast a backlog drains, compared with bare libcurl and with one task per delivery."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson
from django.db import connection

from benchmarks import drains, rows
from benchmarks.processes import CONCURRENCY, celery, program, running, workers
from benchmarks.programs import per_task
from benchmarks.receivers import NO_NGINX, Receiver, fastest_receiver, nginx_version
from benchmarks.results import CannotRunError, Figure, at_least
from benchmarks.surroundings import ROOT

MANY = 1_000
ROUNDS = 3
BARE_IN_FLIGHT = 128
BARE_SECONDS = 3.0


def figures(full: bool) -> Iterator[Figure]:
    """Each round runs all four, one after the other. A ratio is the median of the rounds' ratios: a machine that others
    share may be half as fast some minutes later."""
    count, per_task_count = (400_000, 6_000) if full else (60_000, 1_500)
    found: dict[str, list[float]] = {"bare": [], "per task": [], "one": [], "many": []}
    for _ in range(ROUNDS):
        with fastest_receiver() as receiver:
            before = bare(receiver)
            found["per task"].append(task_per_delivery(receiver, per_task_count))
            found["one"].append(drain(receiver, 1, count))
            found["many"].append(drain(receiver, MANY, count))
            found["bare"].append((before + bare(receiver)) / 2)
    texts = {
        "bare": "bare libcurl, one process",
        "per task": f"Celery + requests, a task per delivery, {CONCURRENCY} processes",
        "one": f"ours, {count:,} due deliveries, 1 destination",
        "many": f"ours, {count:,} due deliveries, {MANY:,} destinations",
    }
    for name, text in texts.items():
        yield Figure(text, statistics.median(found[name]), "/s", details={"rounds": found[name]})
    if nginx_version() is None:
        raise CannotRunError(f"No ratios: {NO_NGINX}.")
    yield _ratio("ours ÷ bare libcurl", found["one"], found["bare"], 2, 0.30)
    yield _ratio("ours ÷ a task per delivery", found["one"], found["per task"], 1, 20)
    yield _ratio(f"{MANY:,} destinations ÷ 1", found["many"], found["one"], 2, 0.90)


def _ratio(what: str, of: Sequence[float], to: Sequence[float], decimals: int, least: float) -> Figure:
    rounds = [each / other for each, other in zip(of, to, strict=True)]
    return Figure(what, statistics.median(rounds), "x", decimals, at_least(least), {"rounds": rounds})


def drain(receiver: Receiver, destinations: int, count: int) -> float:
    """The deliveries finished per second, of `count` that are due when the worker starts."""
    rows.clear()
    rows.add_deliveries(rows.make_destinations([receiver.url(number) for number in range(destinations)]), count)
    rows.settle()
    with workers():
        drains.wait_until_delivered(count, f"ours, {destinations:,} destinations")
    return drains.finished_per_second()


def bare(receiver: Receiver) -> float:
    """The requests per second; their URLs are as long as those of our postbacks."""
    url = receiver.url(0) + "?" + "campaign=1000&action=1000.2001.158133&status=PENDING&amount=460.93&payout=33.99"
    url += "&click=newsletter%7Cbanner%267&order=SS-77120-B&city=S%C3%A3o%20Paulo&promo=HARBOUR%2010%25&n="
    command = program("bare_curl", url, BARE_SECONDS, BARE_IN_FLIGHT)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def task_per_delivery(receiver: Receiver, count: int) -> float:
    """The deliveries finished per second, of `count` whose messages wait when the worker starts."""
    rows.clear()
    with _table(receiver.url(0), count):
        for number in range(1, count + 1):
            per_task.deliver.delay(number)
        command = celery("benchmarks.programs.per_task", "worker", "--concurrency", str(CONCURRENCY))
        with running("per-task", [*command, "--without-gossip", "--without-mingle"], " ready.", kill=True):
            drains.wait_for(lambda: _per_task_rate()[0] == count, 60 + count / 50, "each task is done")
        return _per_task_rate()[1]


@contextmanager
def _table(url: str, count: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(per_task.CREATE)
        cursor.execute(per_task.FILL, [url, orjson.dumps(rows.PARAMETERS).decode(), count])
        cursor.execute("ANALYZE per_task")
        cursor.execute("CHECKPOINT")
        yield
        cursor.execute("DROP TABLE per_task")


def _per_task_rate() -> tuple[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(per_task.RATE)
        count, rate = cursor.fetchone() or (0, 0.0)
        return count, rate or 0.0
