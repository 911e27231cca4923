"""Into partitions and back: nothing is lost, whoever writes meanwhile, and what was interrupted does no harm."""

# ruff: noqa: S608 -- names are constants

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from psycopg2 import extensions

from postbacks.advisory_locks import PRUNE_LOCK
from postbacks.models import Attempt, Postback
from postbacks.partitions import back, briefly, move
from postbacks.partitions.ahead import make_ahead
from postbacks.partitions.tables import FITS
from tests.support.delivery_rows import engine_connection
from tests.support.partitions import WIDTH, make_attempt, make_tried, partitions, plain, tables_of_attempts

pytestmark = pytest.mark.django_db(transaction=True)


def read(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def change(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def shape() -> dict[str, Any]:
    """What other programs, and later migrations, rely on; but not how indexes of partitions are called."""
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'postbacks_attempt' ORDER BY 1"
    constraints = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'postbacks_attempt'::regclass AND contype <> 'n' ORDER BY 1
    """
    columns = """
    SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_name = 'postbacks_attempt' ORDER BY ordinal_position
    """
    grants = "SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = %s ORDER BY 1"
    return {
        "indexes": [(name, re.sub(" ON ONLY ", " ON ", what)) for name, what in read(indexes)],
        "constraints": read(constraints),
        "columns": read(columns),
        "grants": read(grants.replace("%s", "'postbacks_attempt'")),
        "sequence": read("SELECT pg_get_serial_sequence('postbacks_attempt', 'id')"),
    }


def without_key(found: dict[str, Any]) -> dict[str, Any]:
    """A partitioned table has no primary key of its own; each partition has."""
    return found | {kind: [each for each in found[kind] if each[0] != "postbacks_attempt_pkey"] for kind in found}


def run(*arguments: str) -> dict[str, Any]:
    printed = StringIO()
    call_command("partition_tables", "--json", *arguments, stdout=printed)
    told: dict[str, Any] = orjson.loads(printed.getvalue())
    return told


@contextmanager
def in_use(table: str = "postbacks_attempt") -> Iterator[None]:
    """Somebody reads the table, and does not end the transaction."""
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute(f"BEGIN; SELECT 1 FROM {table}")
        yield


def test_a_new_database_begins_with_partitions(engine: extensions.connection, lane: Postback) -> None:
    assert [(each.low, each.high) for each in partitions()] == [(0, 10), (10, 20), (20, 30), (30, 40)]
    for pk in (9, 10, 39, 40):
        make_tried(lane, pk)
    first, second, *_, last = (each.table for each in partitions())
    assert tables_of_attempts() == {9: first, 10: second, 39: last, 40: "postbacks_attempt_rest"}


@pytest.mark.parametrize("rows", [0, 1])
def test_it_goes_back_where_all_ranges_have_been_dropped(
    engine: extensions.connection, lane: Postback, rows: int
) -> None:
    for each in partitions():
        change(f"DROP TABLE {each.table}")
    for _ in range(rows):
        make_tried(lane, 3)
    assert run("--back")["changed"]
    assert set(tables_of_attempts().values()) <= {"postbacks_attempt"}
    assert Attempt.objects.count() == rows


def test_there_and_back_nothing_is_lost(engine: extensions.connection, lane: Postback) -> None:
    plain(engine)
    change("GRANT SELECT ON postbacks_attempt TO PUBLIC; ALTER TABLE postbacks_attempt SET (fillfactor = 90)")
    before = shape()
    tried = [make_tried(lane, pk) for pk in (3, 7)]
    rows = list(Attempt.objects.order_by("pk").values())

    with engine_connection() as older, older.cursor() as cursor:
        cursor.execute("SELECT max(number) FROM postbacks_attempt")  # A program that began before and goes on.
        told = run()
        assert told["changed"]
        assert told["partitions"][0]["below"] == 7 + 4 * WIDTH
        assert without_key(shape()) == without_key(before)
        assert list(Attempt.objects.order_by("pk").values()) == rows
        cursor.execute(
            "INSERT INTO postbacks_attempt (delivery_id, number, started_at, duration_ms, succeeded, reason, method,"
            " url, request_headers, request_body, response_headers, response_body)"
            " VALUES (3, 2, now(), 1, true, '', 'GET', '', '', '', '', '') RETURNING id"
        )
        assert cursor.fetchone() == (rows[-1]["id"] + 1,)
    options = read("SELECT DISTINCT reloptions FROM pg_class WHERE relname ~ '^postbacks_attempt_(\\d+|rest)$'")
    assert options == [(["fillfactor=90"],)]
    assert not run()["changed"], "a second time does nothing"

    assert run("--back")["changed"]
    assert not run("--back")["changed"]
    assert shape() == before
    assert Attempt.objects.count() == 3
    assert make_attempt(tried[0], 3).pk == rows[-1]["id"] + 2
    change("REVOKE SELECT ON postbacks_attempt FROM PUBLIC; ALTER TABLE postbacks_attempt RESET (fillfactor)")


def test_an_attempt_is_there_once_also_in_partitions(engine: extensions.connection, lane: Postback) -> None:
    delivery = make_tried(lane, 12)
    with pytest.raises(Exception, match="postbacks_attempt_10"), transaction.atomic():
        make_attempt(delivery)


def test_back_copies_beside_those_who_write(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbacks.partitions.copying.STEP", WIDTH)
    tried = [make_tried(lane, pk) for pk in (1, 11, 21, 31, 41)]
    meanwhile: list[int] = []

    def tell(up_to: int, _newest: int) -> None:
        meanwhile.append(up_to)
        if len(meanwhile) == 2:  # Changes of what is copied, and of what is not.
            make_attempt(tried[0], 2)
            make_attempt(tried[4], 2)
            Attempt.objects.filter(delivery__in=[1, 31]).update(reason="Changed.")
            Attempt.objects.filter(delivery__in=[11, 21]).delete()

    back.back(engine, tell)

    assert read("SELECT relkind FROM pg_class WHERE oid = 'postbacks_attempt'::regclass") == [("r",)]
    assert len(meanwhile) == 4
    found = Attempt.objects.order_by("delivery", "number").values_list("delivery", "number", "reason")
    succeeded = "200 is a success."
    assert list(found) == [
        (1, 1, "Changed."),
        (1, 2, "Changed."),
        (31, 1, "Changed."),
        (41, 1, succeeded),
        (41, 2, succeeded),
    ]
    assert not read("SELECT 1 FROM pg_proc WHERE proname = 'postbacks_mirror_attempt'")


def test_a_way_back_that_was_interrupted_goes_on_where_it_was(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbacks.partitions.copying.STEP", WIDTH)
    for pk in (1, 11, 21, 31):
        make_tried(lane, pk)

    def stop(up_to: int, _newest: int) -> None:
        if up_to > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back.back(engine, stop)
    make_attempt(Attempt.objects.get(delivery=1).delivery, 2)
    came_to: list[int] = []
    back.back(engine, lambda up_to, _newest: came_to.append(up_to))
    assert came_to == [31, 41]
    assert Attempt.objects.count() == 5


def test_to_go_forth_ends_a_way_back_that_was_interrupted(engine: extensions.connection, lane: Postback) -> None:
    for pk in (1, 11):
        make_tried(lane, pk)

    def stop(_up_to: int, _newest: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back.back(engine, stop)
    assert not run()["changed"]
    assert not read("SELECT 1 FROM pg_class WHERE relname = 'postbacks_attempt_copy'")
    make_attempt(Attempt.objects.get(delivery=1).delivery, 2)
    assert Attempt.objects.count() == 3


@pytest.mark.parametrize("way", [(), ("--back",)], ids=["forth", "back"])
def test_who_reads_for_long_ends_the_move_and_not_the_traffic(
    engine: extensions.connection, lane: Postback, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move, "TRIES", 2)
    monkeypatch.setattr(back, "TRIES", 2)
    monkeypatch.setattr(briefly, "LOCK_MS", 20)
    if not way:
        plain(engine)
    make_tried(lane, 5)
    with in_use(), pytest.raises(CommandError, match=r"in use without a break by session \d+ \(postbacks test"):
        run(*way)
    assert not read(f"SELECT 1 FROM pg_constraint WHERE conname = '{FITS}'")
    assert Attempt.objects.count() == 1
    assert run(*way)["changed"]


def test_what_a_killed_move_left_is_removed_by_the_sweep(engine: extensions.connection) -> None:
    plain(engine)
    with engine.cursor() as cursor:
        move._add_bound(cursor, 40)
        with engine_connection() as mover, mover.cursor() as moving:
            moving.execute("SELECT pg_advisory_lock(%s, %s)", PRUNE_LOCK)
            cursor.execute("BEGIN")
            assert not make_ahead(cursor)
            cursor.execute("COMMIT")
            moving.execute("SELECT pg_advisory_unlock(%s, %s)", PRUNE_LOCK)
        assert read(f"SELECT 1 FROM pg_constraint WHERE conname = '{FITS}'"), "it may still be under way"
        cursor.execute("BEGIN")
        assert not make_ahead(cursor)
        cursor.execute("COMMIT")
    assert not read(f"SELECT 1 FROM pg_constraint WHERE conname = '{FITS}'")


def test_what_would_stay_with_the_old_table_is_named(engine: extensions.connection) -> None:
    plain(engine)
    change("CREATE VIEW of_a_report AS SELECT id FROM postbacks_attempt")
    try:
        with pytest.raises(CommandError, match="cannot be partitioned with view of_a_report on postbacks_attempt"):
            run()
    finally:
        change("DROP VIEW of_a_report")
    assert not read(f"SELECT 1 FROM pg_constraint WHERE conname = '{FITS}'")


def test_one_at_a_time(engine: extensions.connection) -> None:
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", PRUNE_LOCK)
        with pytest.raises(CommandError, match="Another process is pruning"):
            run()


def test_once_moved_it_makes_partitions_ahead(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 15)
    told = run()
    assert not told["changed"]
    assert told["partitions"][-1]["below"] == 50


def test_it_tells_people_what_there_is(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 12)
    printed = StringIO()
    call_command("partition_tables", stdout=printed)
    assert "already in partitions" in printed.getvalue()
    assert "postbacks_attempt_10: 10 to 19, " in printed.getvalue()
    printed = StringIO()
    call_command("partition_tables", "--back", stdout=printed)
    assert printed.getvalue().startswith("Attempts are now in one table, of ")


def test_an_insert_never_fails_for_want_of_a_partition(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 5_000_000)
    assert tables_of_attempts() == {5_000_000: "postbacks_attempt_rest"}
