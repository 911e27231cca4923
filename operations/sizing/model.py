"""The model behind `manage.py size`: from a load and measured costs to processes, cores, disk and connections.

It adds up processor time and bytes; all else is stated as an assumption of its own, below.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from operations.sizing.costs import Costs
from operations.sizing.skew import divide
from postbacks.delivery.fair_queue import MAX_IN_FLIGHT

SECONDS_A_DAY = 86_400
LOADED = 0.6  # The share of a core that is planned for the peak. Above it, waiting times grow faster than the load.
WEB_PROCESSES, WORKER_PROCESSES = 2, 2  # At least, of all hosts: one can end while the other works.
WEB_CONNECTIONS, WORKER_CONNECTIONS, PRUNING_CONNECTIONS = 8, 4, 1  # To PostgreSQL, of each process.
DATABASE_MEMORY_GB_A_CORE = 4.0
WEB_MEMORY_MB, WORKER_MEMORY_MB, WORKER_PARENT_MEMORY_MB = 140, 100, 150


@dataclass(frozen=True, slots=True)
class Load:
    """What a program asks for. Days are those that each kind of row is kept; None means forever.

    `answer_ms` is how long receivers take to answer, `attempts` how many attempts a delivery has on average.
    """

    events_per_day: float
    postbacks: float
    peak: float
    answer_ms: float
    attempts: float
    texts_days: float | None
    deliveries_days: float | None
    events_days: float | None
    submissions_days: float | None
    years: float


@dataclass(frozen=True, slots=True)
class Size:
    """What the load needs at its peak. Disk is without the archive of the WAL and without backups."""

    events_per_second: float
    events_per_second_peak: float
    deliveries_per_second_peak: float
    in_flight_peak: float
    web_processes: int
    worker_processes: int
    worker_processes_for: str  # What decides their number: "processor time" or "requests in flight".
    web_memory_mb: int
    worker_memory_mb: int
    postgres_cores: int
    postgres_memory_gb: int
    postgres_connections: int
    wal_mb_per_second_peak: float
    wal_gb_per_day: float
    disk_gb: float
    cells: int
    largest_cell: float  # Its load, in times the mean.
    largest_account_fits: bool  # Into one cell.


def size(load: Load, costs: Costs, *, database_cores: int, accounts: int = 1_000) -> Size:
    """What to run for this load; `database_cores` are those of the largest PostgreSQL server that can be had, and
    `accounts` is among how many a load is divided that is too large for it."""
    average = load.events_per_day / SECONDS_A_DAY
    events = average * load.peak
    deliveries = events * load.postbacks
    sends = deliveries * load.attempts
    web = _cores(events * costs.report_web_ms + deliveries * costs.delivery_web_ms)
    worker = _cores(events * costs.report_worker_ms + sends * costs.delivery_worker_ms)
    postgres = max(1, ceil(_cores(events * costs.report_postgres_ms + sends * costs.delivery_postgres_ms) / LOADED))
    in_flight = sends * load.answer_ms / 1000
    by_time, by_flight = ceil(worker / LOADED), ceil(in_flight / (MAX_IN_FLIGHT * LOADED))
    web_processes = max(WEB_PROCESSES, ceil(web / LOADED))
    worker_processes = max(WORKER_PROCESSES, by_time, by_flight)
    division = divide(postgres / database_cores, accounts)
    wal = costs.report_wal_bytes + load.postbacks * load.attempts * costs.delivery_wal_bytes
    return Size(
        events_per_second=average,
        events_per_second_peak=events,
        deliveries_per_second_peak=deliveries,
        in_flight_peak=in_flight,
        web_processes=web_processes,
        worker_processes=worker_processes,
        worker_processes_for="requests in flight" if by_flight > by_time else "processor time",
        web_memory_mb=web_processes * WEB_MEMORY_MB,
        worker_memory_mb=WORKER_PARENT_MEMORY_MB + worker_processes * WORKER_MEMORY_MB,
        postgres_cores=postgres,
        postgres_memory_gb=ceil(postgres * DATABASE_MEMORY_GB_A_CORE),
        postgres_connections=(
            web_processes * WEB_CONNECTIONS + worker_processes * WORKER_CONNECTIONS + PRUNING_CONNECTIONS
        ),
        wal_mb_per_second_peak=events * wal / 1e6,
        wal_gb_per_day=load.events_per_day * wal / 1e9,
        disk_gb=_disk_bytes(load, costs) / 1e9,
        cells=division.cells,
        largest_cell=division.largest,
        largest_account_fits=division.fits,
    )


def most_reports_per_second(costs: Costs, *, postbacks: float, cores: int, other_ms: float = 0.0) -> float:
    """The reports, each with so many deliveries, that take all of these cores; `other_ms` is what others take of them
    for each report, such as its caller."""
    report = costs.report_web_ms + costs.report_postgres_ms + costs.report_worker_ms
    delivery = costs.delivery_web_ms + costs.delivery_postgres_ms + costs.delivery_worker_ms
    return cores * 1000 / (report + postbacks * delivery + other_ms)


def _cores(milliseconds_a_second: float) -> float:
    return milliseconds_a_second / 1000


def _disk_bytes(load: Load, costs: Costs) -> float:
    """At the end of `years`. Each kind of row has been there for its own time, or since the beginning."""
    age = load.years * 365

    def days(kept: float | None) -> float:
        return age if kept is None else min(kept, age)

    deliveries = load.events_per_day * load.postbacks
    attempts = deliveries * load.attempts
    texts = min(costs.text_bytes, costs.attempt_bytes)
    return (
        load.events_per_day * days(load.events_days) * costs.event_bytes
        + load.events_per_day * days(load.submissions_days) * costs.submission_bytes
        + deliveries * days(load.deliveries_days) * costs.delivery_bytes
        + attempts * days(load.deliveries_days) * (costs.attempt_bytes - texts)
        + attempts * min(days(load.texts_days), days(load.deliveries_days)) * texts
    )
