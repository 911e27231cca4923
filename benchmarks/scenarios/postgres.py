"""What a restart of PostgreSQL costs while a backlog drains."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from django.db import connection

from benchmarks import drains, outages
from benchmarks.results import Figure, at_most
from devtools.embedded.postgres import postgres_answers, postgres_dir


def figures(full: bool) -> Iterator[Figure]:
    """A fast shutdown cuts all connections; the supervisor starts PostgreSQL again at once."""
    count = 300_000 if full else 200_000
    with outages.load(count) as load:
        recovery = outages.strike(load, restart)
        drains.wait_until_delivered(0, "postgres")
        lost, repeated = load.lost_and_repeated()
    yield Figure("restarted under load: lost", lost, target=at_most(0), details={"deliveries": count})
    yield Figure("restarted under load: came again", sum(repeated.values()))
    yield recovery.figure("restart: full speed again after", within_seconds=15)


def restart() -> None:
    """Shuts PostgreSQL down and waits until it is back."""
    connection.close()
    before = _process_id()
    os.kill(before, signal.SIGINT)
    drains.wait_for(lambda: _process_id() != before and postgres_answers(), 60, "PostgreSQL is back")


def _process_id() -> int:
    try:
        return int((postgres_dir() / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0
