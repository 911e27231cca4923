"""What a delivery costs: processor time by thread and by server, and what PostgreSQL writes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from benchmarks import drains, rows, usage
from benchmarks.processes import workers
from benchmarks.programs.timed import FILE
from benchmarks.receivers import fastest_receiver
from benchmarks.results import Figure

LEAST_SECONDS = 0.5e-6  # What costs a delivery less is not shown.
APP = "benchmarks.programs.timed"
_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"


def figures(full: bool) -> Iterator[Figure]:
    """For the drain of a backlog to one destination; seconds of each thread and backend, divided by deliveries."""
    count = 400_000 if full else 60_000
    rows.clear()
    times = Path(settings.DATA_DIR) / "log" / "bench-times"
    for old in times.parent.glob(f"{times.name}.*"):
        old.unlink()
    os.environ[FILE] = str(times)
    with fastest_receiver() as receiver:
        rows.add_deliveries(rows.make_destinations([receiver.url(0)]), count)
        rows.settle()
        wal, before = drains.scalar(_WAL), usage.backends()
        with workers(APP) as worker:
            drains.wait_until_delivered(count, "costs")
            wal = drains.scalar(_WAL) - wal
            postgres = {name: seconds - before.get(name, 0.0) for name, seconds in usage.backends().items()}
            python = _threads(times)
            in_all = sum(sum(child.cpu_times()[:2]) for child in worker.children())
    del os.environ[FILE]
    yield Figure("drain with the clocks read", drains.finished_per_second(), "/s")
    yield Figure("WAL per delivery", wal / count, "bytes")
    for what, by_name in (("Python", python), ("PostgreSQL", postgres)):
        for name, seconds in sorted(by_name.items(), key=lambda each: -each[1]):
            if seconds / count > LEAST_SECONDS:
                yield Figure(f"{what}, {name}", seconds / count * 1e6, "µs", 1)
    yield Figure("Python in all", in_all / count * 1e6, "µs", 1)
    yield Figure("PostgreSQL in all", sum(postgres.values()) / count * 1e6, "µs", 1)


def _threads(times: Path) -> dict[str, float]:
    """The seconds of each thread, of both worker processes."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for file in times.parent.glob(f"{times.name}.*[0-9]"):
        for line in file.read_text().splitlines():
            name, spent = line.rsplit(" ", 1)
            seconds[name] += float(spent)
    return seconds
