"""Where the milliseconds of a report go, hop by hop, from its caller to the commit of its attempt."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from benchmarks.calls import Calls
from benchmarks.doors import OurDoor
from benchmarks.programs.notes import FILE
from benchmarks.scenarios.postgres import restart

HOPS: Final = {
    "door": "the door has it whole",
    "committed": "parsed, checked, recorded, committed",
    "woken": "a worker has its lane",
    "claimed": "claimed",
    "built": "built, handed to the sender",
    "arrived": "connected, written, read by the receiver",
    "answered": "answered",
    "recorded": "attempt and outcome committed",
}
_COMMITS = """
SELECT a.order_id, d.id, extract(epoch FROM pg_xact_commit_timestamp(e.xmin))::float8,
    extract(epoch FROM pg_xact_commit_timestamp(t.xmin))::float8
FROM actions_action a JOIN actions_actionevent e ON e.action_id = a.id
JOIN postbacks_delivery d ON d.event_id = e.id JOIN postbacks_attempt t ON t.delivery_id = d.id
WHERE a.order_id = ANY (%s)
"""


@contextmanager
def traced() -> Iterator[None]:
    """Programs that start in the block note to one file, and PostgreSQL keeps the time of each commit."""
    log = Path(settings.DATA_DIR) / "log" / "bench-trace.log"
    log.unlink(missing_ok=True)
    os.environ[FILE] = str(log)
    _keep_times("on")
    try:
        yield
    finally:
        _keep_times("off")
        del os.environ[FILE]


def medians(door: OurDoor, calls: Calls, *, after: float) -> dict[str, float]:
    """Milliseconds from each hop to the next, of the reports begun after that moment; and those to the answer."""
    times = _times()
    with connection.cursor() as cursor:
        cursor.execute(_COMMITS, [[call.order for call in calls.made]])
        commits = {order: row for order, *row in cursor.fetchall()}
    took: dict[str, list[float]] = defaultdict(list)
    for call in calls.made:
        if call.begun < after:
            continue
        delivery, committed, recorded = commits[call.order]
        noted = times[call.order] | times[str(delivery)]
        noted |= {"committed": committed, "arrived": door.arrived[call.order][0], "recorded": recorded}
        last = call.begun
        for hop in HOPS:
            if hop in noted:
                took[hop].append((noted[hop] - last) * 1000)
                last = noted[hop]
        took["answer"].append((call.answered - call.begun) * 1000)
    return {hop: statistics.median(each) for hop, each in took.items()}


def _times() -> dict[str, dict[str, float]]:
    """What each delivery and order was noted with, at first."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for line in Path(os.environ[FILE]).read_text().splitlines():
        hop, name, at = line.split()
        found[name].setdefault(hop, float(at))
    return found


def _keep_times(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET track_commit_timestamp = {value}")
    restart()
