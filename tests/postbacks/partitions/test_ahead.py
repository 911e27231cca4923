"""Partitions are made before they are needed, as wide as what comes asks for."""

from __future__ import annotations

from datetime import timedelta

import psycopg2
import pytest
from django.utils import timezone
from psycopg2 import extensions
from pytest_django import Settings

from postbacks.delivery.sweep import Sweeper
from postbacks.models import Attempt, Postback
from postbacks.partitions import ahead
from postbacks.partitions.ahead import make_ahead, next_range, target_seconds, width_from
from postbacks.partitions.ranges import Range, read_range
from tests.support.delivery_rows import engine_connection, lane_scores, make_delivery
from tests.support.partitions import make_tried, partitions, tables_of_attempts

rows = pytest.mark.django_db(transaction=True)
WIDE = 2_000_000
DAY = 86_400


def make_all(engine: extensions.connection) -> int:
    """All steps, each in a transaction of its own, as the sweep does it; how many there were."""
    steps = 0
    with engine.cursor() as cursor:
        while True:
            cursor.execute("BEGIN")
            more = make_ahead(cursor)
            cursor.execute("COMMIT")
            if not more:
                return steps
            steps += 1


def bounds() -> list[tuple[int, int]]:
    return [(each.low, each.high) for each in partitions()]


@pytest.mark.parametrize(
    ("bound", "found"),
    [
        ("FOR VALUES FROM (MINVALUE) TO ('1000')", Range(0, 1000, "t")),
        ("FOR VALUES FROM ('1000') TO ('3000000000')", Range(1000, 3_000_000_000, "t")),
        ("DEFAULT", None),
    ],
    ids=["first", "later", "rest"],
)
def test_the_bounds_of_a_partition_are_read_from_the_catalog(bound: str, found: Range | None) -> None:
    assert read_range("t", bound) == found


@pytest.mark.parametrize(
    ("newest", "factor", "needed"),
    [
        (1, 1.0, None),
        (4 * WIDE - 1, 1.0, None),
        (4 * WIDE, 1.0, (7 * WIDE, 8 * WIDE)),
        (4 * WIDE, 2.0, (7 * WIDE, 9 * WIDE)),
        (4 * WIDE, 0.01, (7 * WIDE, 7 * WIDE + ahead.LEAST_WIDTH)),
        (4 * WIDE, 1000.0, (7 * WIDE, 7 * WIDE + ahead.MOST_WIDTH)),
        (9 * WIDE, 1.0, (14 * WIDE, 15 * WIDE)),
    ],
    ids=["enough", "just enough", "one too few", "wider", "not too narrow", "not too wide", "beyond all"],
)
def test_three_partitions_are_kept_ahead(newest: int, factor: float, needed: tuple[int, int] | None) -> None:
    there = [Range(number * WIDE, (number + 1) * WIDE, f"t{number}") for number in range(7)]
    assert next_range(there, newest, factor) == needed


@pytest.mark.parametrize(
    ("kept", "seconds", "width"),
    [(30, 100 * DAY, 1_000_000), (320, 100 * DAY, 10_000_000), (30, 3600, 14_285_714)],
    ids=["a day", "a part of how long they are kept", "a burst is spread over a week"],
)
def test_the_first_width_follows_from_what_there_is(kept: int, seconds: float, width: int, settings: Settings) -> None:
    settings.POSTBACKS_DELIVERIES_KEPT_DAYS = kept
    assert width_from(100_000_000, seconds) == width


@rows
def test_the_sweep_makes_partitions(engine: extensions.connection, lane: Postback, empty_redis: None) -> None:
    make_tried(lane, 25)
    Sweeper().sweep()
    assert bounds() == [(0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 60)]


@rows
def test_a_partition_that_filled_in_no_time_is_followed_by_wider_ones(
    engine: extensions.connection, lane: Postback
) -> None:
    now = timezone.now()
    for number, pk in enumerate((10, 20, 25)):
        make_tried(lane, pk, now - timedelta(hours=9 - number))
    assert make_all(engine) == 3
    assert bounds()[4:] == [(40, 80), (80, 120), (120, 160)], "a burst is no trend: not a thousand times as wide"


@rows
def test_one_that_took_longer_is_followed_by_narrower_ones(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "LEAST_WIDTH", 2)
    now = timezone.now()
    for pk, times in ((10, 3), (20, 1), (25, 0)):
        make_tried(lane, pk, now - times * timedelta(seconds=target_seconds()))
    assert make_all(engine) == 1
    assert bounds()[4:] == [(40, 45)]


@rows
def test_ids_for_which_none_was_made_in_time_stay_in_the_rest(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "_SMALL_BYTES", 0)  # As if it were large: it must not be read under a strong lock.
    make_tried(lane, 77)
    assert make_all(engine) == 3, "a constraint, its proof, the partition"
    assert bounds()[4:] == [(177, 187)]
    make_tried(lane, 176)
    make_tried(lane, 177)
    assert tables_of_attempts() == dict.fromkeys((77, 176), "postbacks_attempt_rest") | {177: "postbacks_attempt_177"}
    with engine.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_constraint WHERE conname ~ '^no_'")
        assert cursor.fetchone() is None


@rows
def test_the_proof_is_what_postgresql_asks_for(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "_SMALL_BYTES", 0)
    make_tried(lane, 77)
    with engine.cursor() as cursor:
        cursor.execute("SET client_min_messages = debug1")
    make_all(engine)
    assert "is implied by existing constraints" in "".join(engine.notices)


@rows
def test_who_reads_the_log_is_not_waited_for(engine: extensions.connection, lane: Postback, empty_redis: None) -> None:
    make_tried(lane, 25)
    with engine_connection() as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN; SELECT 1 FROM postbacks_attempt")
        Sweeper().sweep()
        assert len(bounds()) == 4
    Sweeper().sweep()
    assert len(bounds()) == 6
    assert Attempt.objects.count() == 1


@rows
def test_workers_who_do_not_own_the_table_go_on(
    engine: extensions.connection,
    lane: Postback,
    empty_redis: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise psycopg2.errors.InsufficientPrivilege("must be owner of table postbacks_attempt")

    monkeypatch.setattr(ahead, "add_range", refuse)
    make_tried(lane, 25)
    waiting = make_delivery(lane)
    Sweeper().sweep()
    assert set(lane_scores()) == {waiting.postback_id}
    assert "No partition could be made for later attempts (must be owner" in caplog.text
