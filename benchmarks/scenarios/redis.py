"""What a flush and a restart of Redis cost while a backlog drains."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from redis.exceptions import RedisError

from benchmarks import drains, outages
from benchmarks.results import Figure, at_most
from postbacks.delivery.redis import client


def figures(full: bool) -> Iterator[Figure]:
    """Both faults, one after the other, in one drain."""
    count = 300_000 if full else 240_000
    with outages.load(count) as load:
        yield outages.strike(load, flush).figure("FLUSHALL: full speed again after", within_seconds=10)
        yield outages.strike(load, restart).figure("restart: full speed again after", within_seconds=10)
        drains.wait_until_delivered(0, "redis")
        lost, repeated = load.lost_and_repeated()
    yield Figure("flushed and restarted under load: lost", lost, target=at_most(0), details={"deliveries": count})
    yield Figure("flushed and restarted under load: came again", sum(repeated.values()))


def flush() -> None:
    """Deletes everything in Redis."""
    client.flushall()


def restart() -> None:
    """Terminates Redis and waits until its supervisor has started it again."""
    info: Any = client.info("server")
    os.kill(info["process_id"], signal.SIGTERM)
    drains.wait_for(lambda: _is_new(info["process_id"]), 30, "Redis is back")


def _is_new(before: int) -> bool:
    try:
        info: Any = client.info("server")
    except RedisError:
        time.sleep(0.05)
        return False
    return bool(info["process_id"] != before)
