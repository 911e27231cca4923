"""What a load needs, worked out by hand from round costs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from operations.sizing.costs import Costs
from operations.sizing.model import LOADED, Load, most_reports_per_second, size
from operations.sizing.skew import Division, divide, placed, scattered, shares, unevenness

COSTS = Costs(
    report_web_ms=1.0,
    report_postgres_ms=0.5,
    report_worker_ms=0.0,
    delivery_web_ms=0.0,
    delivery_postgres_ms=0.25,
    delivery_worker_ms=0.5,
    report_wal_bytes=4_000,
    delivery_wal_bytes=2_000,
    event_bytes=2_000,
    submission_bytes=100,
    delivery_bytes=500,
    attempt_bytes=600,
    text_bytes=400,
)
LOAD = Load(
    events_per_day=8_640_000,  # 100 a second.
    postbacks=2,
    peak=10,
    answer_ms=100,
    attempts=1,
    texts_days=30,
    deliveries_days=400,
    events_days=None,
    submissions_days=90,
    years=2,
)


def test_processes_have_room_at_the_peak() -> None:
    """1,000 events and 2,000 deliveries a second at the peak: one core of web, one of workers, one of PostgreSQL."""
    needed = size(LOAD, COSTS, database_cores=32)

    assert LOADED == 0.6
    assert needed.events_per_second_peak == 1_000
    assert needed.deliveries_per_second_peak == 2_000
    assert (needed.web_processes, needed.worker_processes, needed.postgres_cores) == (2, 2, 2)
    assert needed.postgres_connections == 2 * 8 + 2 * 4 + 1
    assert needed.wal_mb_per_second_peak == pytest.approx(8.0)
    assert needed.cells == 1


def test_ten_times_the_load_takes_ten_times_the_processes() -> None:
    needed = size(replace(LOAD, events_per_day=86_400_000), COSTS, database_cores=16)

    assert (needed.web_processes, needed.worker_processes, needed.postgres_cores) == (17, 17, 17)
    assert needed.worker_processes_for == "processor time"
    assert needed.cells == 2


def test_slow_receivers_need_processes_for_requests_in_flight() -> None:
    """2,000 a second that take 10 s each are 20,000 in flight, of 1,200 a process."""
    needed = size(replace(LOAD, answer_ms=10_000), COSTS, database_cores=32)

    assert needed.in_flight_peak == 20_000
    assert needed.worker_processes == 17
    assert needed.worker_processes_for == "requests in flight"


def test_each_kind_of_row_takes_disk_for_its_own_time() -> None:
    events, deliveries = 8_640_000, 17_280_000
    expected = (events * 730 * 2_000 + events * 90 * 100 + deliveries * 400 * (500 + 200) + deliveries * 30 * 400) / 1e9

    assert size(LOAD, COSTS, database_cores=32).disk_gb == pytest.approx(expected)
    assert size(replace(LOAD, years=1 / 365), COSTS, database_cores=32).disk_gb == pytest.approx(
        (events * 2_100 + deliveries * 1_100) / 1e9
    )


def test_repeated_attempts_cost_workers_disk_and_wal() -> None:
    twice = size(replace(LOAD, attempts=2, events_per_day=86_400_000), COSTS, database_cores=64)

    assert twice.worker_processes == 34
    assert twice.web_processes == 17
    assert twice.wal_mb_per_second_peak == pytest.approx(120.0)


def test_all_cores_are_taken() -> None:
    assert most_reports_per_second(COSTS, postbacks=2, cores=3) == pytest.approx(1_000)
    assert most_reports_per_second(COSTS, postbacks=2, cores=3, other_ms=1.0) == pytest.approx(750)


def test_cells_are_as_many_as_the_largest_one_allows() -> None:
    """Of five accounts the largest has 44 % of the events, and goes with the smallest, which has 9 %."""
    ten_times = replace(LOAD, events_per_day=86_400_000)
    few = size(ten_times, COSTS, database_cores=16, accounts=5)
    assert (few.cells, few.largest_account_fits) == (2, True)
    assert few.largest_cell == pytest.approx(1.051, abs=0.001)
    many = size(ten_times, COSTS, database_cores=4, accounts=5)
    assert not many.largest_account_fits
    assert size(ten_times, COSTS, database_cores=4, accounts=1_000).largest_account_fits


def test_accounts_that_are_placed_where_room_is_make_more_equal_cells_than_a_hash() -> None:
    parts = shares(1_000)
    assert sum(parts) == pytest.approx(1)
    assert parts[0] == pytest.approx(2 * parts[1])
    by_room, by_hash = placed(parts, 4), scattered(parts, 4, random.Random(1))  # noqa: S311 -- no secret
    assert sum(by_room) == pytest.approx(1) == pytest.approx(sum(by_hash))
    assert unevenness(by_room) == pytest.approx(1, abs=0.001)
    assert unevenness(by_hash) > 1.1


def test_a_load_that_fits_into_one_server_is_not_divided() -> None:
    assert divide(1.0, 10) == Division(1, 1.0, fits=True)
    assert divide(1.1, 1_000).cells == 2
    assert not divide(8, 1_000).fits, "the largest account has 13 %, an eighth is 12.5 %"
