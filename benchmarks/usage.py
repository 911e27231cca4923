"""The processor time that each part of the system takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
from django.db import connection

_BACKENDS = """
SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
"""


def seconds(parent: psutil.Process) -> float:
    """The processor time so far of a process and its children, those that have ended included."""
    used = parent.cpu_times()
    total = used.user + used.system + used.children_user + used.children_system
    for child in parent.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += own.user + own.system + own.children_user + own.children_system
    return float(total)


@contextmanager
def measured(parts: Mapping[str, psutil.Process]) -> Iterator[dict[str, float]]:
    """The seconds that each part took while the block lasted, once it has ended."""
    before = {name: seconds(process) for name, process in parts.items()}
    took: dict[str, float] = {}
    yield took
    took.update({name: seconds(process) - before[name] for name, process in parts.items()})


def backends() -> dict[str, float]:
    """The processor time so far of each kind of PostgreSQL's processes that lives now, but not of who asks."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKENDS)
        found = cursor.fetchall()
    taken: defaultdict[str, float] = defaultdict(float)
    for pid, name in found:
        try:
            user, system, *_ = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        taken[name] += user + system
    return taken
