"""The same as `faults`, for what comes between hosts: a worker reaches PostgreSQL and Redis over links that are slow,
stall or are cut, while another worker reaches them directly; and beat is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection

from benchmarks.links import Link, link
from benchmarks.processes import running_worker
from benchmarks.results import Figure
from benchmarks.scenarios.faults import Scene, figures_of
from environment.addresses import DATABASE_NAME, DATABASE_USER, redis_socket

DELAY_SECONDS = 0.025  # In each direction: hosts of two regions.
STALL_SECONDS = 5.0
CUT_SECONDS = 5.0  # Longer than a dead worker's deliveries wait until another takes them.

Break = Callable[[Link, Link], None]  # The links to PostgreSQL and to Redis.


def figures(full: bool) -> Iterator[Figure]:  # noqa: ARG001 -- the same for a long run
    """One fault after another, each on empty tables."""
    for name, fault in BREAKS.items():
        yield from figures_of(name, partial(_on_a_far_host, fault))
    yield from figures_of("beat stopped for 60 s", _without_beat)


def _on_a_far_host(fault: Break, scene: Scene) -> None:
    socket = f"{connection.settings_dict['HOST']}/.s.PGSQL.{connection.settings_dict['PORT'] or 5432}"
    with ExitStack() as stack:
        database, redis = stack.enter_context(link(socket)), stack.enter_context(link(str(redis_socket())))
        stack.enter_context(running_worker("far-worker", variables=_far(database, redis)))
        time.sleep(3)  # It takes its share of the work.
        fault(database, redis)
        time.sleep(2)
        scene.stack.push(stack.pop_all())  # It goes on working until all is delivered.


def _far(database: Link, redis: Link) -> dict[str, str]:
    """The environment of a host that reaches the servers over these links, with a data folder of its own."""
    return {
        "DATABASE_URL": f"postgres://{DATABASE_USER}@127.0.0.1:{database.port}/{DATABASE_NAME}",
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "POSTBACKS_DATA_DIR": str(Path(settings.DATA_DIR) / "far"),
        "SECRET_KEY": settings.SECRET_KEY,
        "POSTBACKS_ENCRYPTION_KEYS": ",".join(settings.POSTBACKS_ENCRYPTION_KEYS),
    }


def _slow(database: Link, redis: Link) -> None:
    database.delay_seconds = redis.delay_seconds = DELAY_SECONDS
    time.sleep(5)


def _without_beat(scene: Scene) -> None:
    scene.beat.process.suspend()
    time.sleep(60)
    scene.beat.process.resume()


BREAKS: dict[str, Break] = {
    "links 50 ms longer": _slow,
    "link to PostgreSQL stalled for 5 s": lambda database, _: database.stall(STALL_SECONDS),
    "link to Redis stalled for 5 s": lambda _, redis: redis.stall(STALL_SECONDS),
    "link to PostgreSQL cut for 5 s": lambda database, _: database.cut(CUT_SECONDS),
    "link to Redis cut for 5 s": lambda _, redis: redis.cut(CUT_SECONDS),
}
