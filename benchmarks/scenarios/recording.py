"""What recording takes of a processor, here and in PostgreSQL: for a report alone, and in groups. Nobody is woken."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import psutil
from django.db import connection
from psycopg2.extensions import get_wait_callback, set_wait_callback

from actions.recording.record import record
from actions.recording.results import Recorded
from actions.reports.report import parse_report
from benchmarks import reports, rows
from benchmarks.results import CannotRunError, Figure
from environment.garbage import search_seldom
from postbacks.delivery import ready_queue

GROUPS = (1, 64, 500)
_WARM_UP = 20  # Calls, until the server has planned what it keeps the plans of.


class _Spent(NamedTuple):
    here: float
    server: float
    clock: float


def figures(full: bool) -> Iterator[Figure]:
    """Each group is recorded in a transaction of its own, by one process."""
    rows.clear()
    shop = reports.open_shop()
    gc.collect()
    search_seldom()  # As web processes and those of imports do.
    number = 20_000 if full else 4_000
    with patch.object(ready_queue, "wake"), _as_usual():
        for size in GROUPS:
            many = number if size > 1 else number // 4
            found = list(shop.reports(_WARM_UP * size + many))
            groups = [found[at : at + size] for at in range(0, len(found), size)]
            _record(groups[:_WARM_UP])
            began = _spent()
            _record(groups[_WARM_UP:])
            here, server, clock = (1000 * (end - begin) / many for begin, end in zip(began, _spent(), strict=True))
            what = "a report alone" if size == 1 else f"a report of {size}"
            yield Figure(f"{what}: processor, Python", here, "ms", 3)
            yield Figure(f"{what}: processor, its server process of PostgreSQL", server, "ms", 3)
            yield Figure(f"{what}: in all", clock, "ms", 3)


@contextmanager
def _as_usual() -> Iterator[None]:
    """psycopg2 waits as it does by itself: COPY needs that."""
    callback = get_wait_callback()
    set_wait_callback(None)
    try:
        yield
    finally:
        set_wait_callback(callback)


def _record(groups: Sequence[Sequence[dict[str, Any]]]) -> None:
    for group in groups:
        results = record([parse_report(fields) for fields in group])
        if not all(isinstance(each, Recorded) for each in results):
            raise CannotRunError("A report was not recorded.")


def _spent() -> _Spent:
    server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return _Spent(time.process_time(), server.user + server.system, time.perf_counter())
