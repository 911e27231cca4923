"""What one report and one delivery cost each part, for `manage.py size`; and whether its model predicts another load.

The same load is measured with one and with three postbacks for each report: the difference is the cost of two
deliveries. The model then says how many reports a second these cores take with five, and that is measured, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
from django.db import connection

from benchmarks import doors, drains, usage
from benchmarks.calls import Load, send
from benchmarks.results import CannotRunError, Figure, Target
from operations.sizing.costs import NAMES, Costs
from operations.sizing.model import most_reports_per_second

FEW, MANY, PREDICTED = 1, 3, 5  # Postbacks for each report.
CALLERS = 64
_FINISHED_SECONDS = 120
_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"
_SIZE = "SELECT pg_total_relation_size(%s::regclass)"
_EVENT_TABLES = ("actions_action", "actions_actionevent", "actions_item")
_OTHER_TABLES = ("actions_submission", "postbacks_delivery", "postbacks_attempt")
_TEXTS = """
SELECT avg(pg_column_size(url) + pg_column_size(request_headers) + pg_column_size(request_body)
    + pg_column_size(response_headers) + pg_column_size(response_body)) FROM postbacks_attempt
"""


@dataclass(frozen=True, slots=True)
class Load64:
    """What came of some seconds with 64 callers; everything but the rate is for one report."""

    per_second: float  # From the first report until the last delivery is finished.
    web_ms: float
    postgres_ms: float
    worker_ms: float
    callers_ms: float
    wal_bytes: float
    event_bytes: float
    submission_bytes: float
    delivery_bytes: float
    attempt_bytes: float
    text_bytes: float


def figures(full: bool) -> Iterator[Figure]:
    """Costs by the names that the calculator knows, then the prediction and what was measured."""
    seconds = 20.0 if full else 6.0
    few, many = _measured(FEW, seconds), _measured(MANY, seconds)
    costs = _costs(few, many)
    for name in NAMES:
        unit = "ms" if name.endswith("_ms") else "bytes"
        yield Figure(name, getattr(costs, name), unit, 3 if unit == "ms" else 0)
    predicted = most_reports_per_second(
        costs, postbacks=PREDICTED, cores=psutil.cpu_count() or 1, other_ms=few.callers_ms
    )
    measured = _measured(PREDICTED, seconds)
    yield Figure(f"{PREDICTED} postbacks for each report, predicted", predicted, "/s")
    yield Figure(f"{PREDICTED} postbacks for each report, measured", measured.per_second, "/s")
    ratio = predicted / measured.per_second
    yield Figure("prediction ÷ measured, not below 0.70", ratio, "x", 2, Target("≥", 0.7))
    yield Figure("prediction ÷ measured, not above 1.30", ratio, "x", 2, Target("≤", 1.3))


def _costs(few: Load64, many: Load64) -> Costs:
    def delivery(name: str) -> float:
        return max(float(getattr(many, name) - getattr(few, name)) / (MANY - FEW), 0.0)

    def report(name: str) -> float:
        return max(float(getattr(few, name)) - FEW * delivery(name), 0.0)

    return Costs(
        report_web_ms=report("web_ms"),
        report_postgres_ms=report("postgres_ms"),
        report_worker_ms=report("worker_ms"),
        delivery_web_ms=delivery("web_ms"),
        delivery_postgres_ms=delivery("postgres_ms"),
        delivery_worker_ms=delivery("worker_ms"),
        report_wal_bytes=report("wal_bytes"),
        delivery_wal_bytes=delivery("wal_bytes"),
        event_bytes=many.event_bytes,
        submission_bytes=many.submission_bytes,
        delivery_bytes=many.delivery_bytes / MANY,
        attempt_bytes=many.attempt_bytes / MANY,
        text_bytes=many.text_bytes,
    )


def _measured(postbacks: int, seconds: float) -> Load64:
    """Raises CannotRunError unless each report became its deliveries, and each was delivered."""
    with doors.ours(postbacks=postbacks) as door:
        send(door, door.shop, Load("callers", 16, 1.0))
        _all_finished()
        before, wal = _sizes(), drains.scalar(_WAL)
        rows_before = drains.latest()
        with usage.measured(door.parts) as took:
            calls = send(door, door.shop, Load("callers", CALLERS, seconds))
            _all_finished()
            done = time.time()
        if calls.refused:
            raise CannotRunError(f"{calls.refused} of {len(calls.made)} reports were refused.")
        count = len(calls.made)
        made = drains.scalar("SELECT count(*) FROM postbacks_delivery WHERE id > %s", rows_before)
        if made != count * postbacks:
            raise CannotRunError(f"{count} reports became {made:.0f} deliveries instead of {count * postbacks}.")
        wal = drains.scalar(_WAL) - wal
        grown = {table: size - before[table] for table, size in _sizes().items()}
        first = min(call.begun for call in calls.made)
        milliseconds = {part: used / count * 1000 for part, used in took.items()}
        return Load64(
            per_second=count / (done - first),
            web_ms=milliseconds["door"],
            postgres_ms=milliseconds["PostgreSQL"],
            worker_ms=milliseconds["worker"] + milliseconds["Redis"],
            callers_ms=calls.processor_seconds / count * 1000,
            wal_bytes=wal / count,
            event_bytes=sum(grown[table] for table in _EVENT_TABLES) / count,
            submission_bytes=grown["actions_submission"] / count,
            delivery_bytes=grown["postbacks_delivery"] / count,
            attempt_bytes=grown["postbacks_attempt"] / count,
            text_bytes=drains.scalar(_TEXTS),
        )


def _all_finished() -> None:
    drains.wait_for(_nothing_is_left, _FINISHED_SECONDS, "each delivery is finished")


def _nothing_is_left() -> bool:
    return not drains.scalar("SELECT EXISTS (SELECT 1 FROM actions_queuedreport)::int") and drains.all_finished()


def _sizes() -> dict[str, float]:
    found: dict[str, float] = {}
    with connection.cursor() as cursor:
        for table in (*_EVENT_TABLES, *_OTHER_TABLES):
            cursor.execute(_SIZE, [table])
            (found[table],) = cursor.fetchone() or (0,)
    return found
