"""Partitions of a few ids each, and the ordinary ones again afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from psycopg2 import extensions

from postbacks.database import raw_cursor
from postbacks.models import Attempt, Delivery, Postback
from postbacks.partitions import ahead
from postbacks.partitions.back import back
from postbacks.partitions.briefly import briefly
from postbacks.partitions.copying import give_up
from postbacks.partitions.move import start_partitioned
from postbacks.partitions.ranges import TABLE, Range, is_partitioned, ranges
from tests.support.delivery_rows import engine_connection, make_delivery

WIDTH = 10


@contextmanager
def few_ids_each(monkeypatch: pytest.MonkeyPatch) -> Iterator[extensions.connection]:
    """The empty table of attempts has partitions of WIDTH ids; yields a connection of the engine's."""
    with engine_connection() as engine:
        monkeypatch.setattr(ahead, "LEAST_WIDTH", WIDTH)
        with engine.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence('postbacks_delivery', 'id'), 1, false)")
        anew(engine)
        yield engine
        monkeypatch.undo()
        anew(engine)


def anew(engine: extensions.connection) -> None:
    """The table of attempts is empty and has been partitioned just now."""
    plain(engine)
    briefly(engine, start_partitioned, TABLE, tries=3)


def plain(engine: extensions.connection) -> None:
    """The table of attempts is empty and not partitioned."""
    Attempt.objects.all().delete()
    with engine.cursor() as cursor:
        partitioned = is_partitioned(cursor)
    if partitioned:
        briefly(engine, give_up, TABLE, tries=3)
        back(engine, lambda *_: None)


def partitions() -> list[Range]:
    with raw_cursor() as cursor:
        return ranges(cursor)


def make_attempt(delivery: Delivery, number: int = 1, **fields: Any) -> Attempt:
    values: dict[str, Any] = {
        "started_at": timezone.now(),
        "duration_ms": 3,
        "succeeded": True,
        "reason": "200 is a success.",
        "method": "GET",
        "url": "https://receiver.example/in?ip=203.0.113.24",
        "request_headers": "X-Ip: 203.0.113.24",
        "status": 200,
        "response_body": "203.0.113.24",
    }
    return Attempt.objects.create(delivery=delivery, number=number, **values | fields)


def make_tried(lane: Postback, pk: int, made_at: datetime | None = None, **fields: Any) -> Delivery:
    """A delivered one with this id and one attempt, made and ended at a time; now unless told otherwise."""
    moment = made_at or timezone.now()
    ended: dict[str, Any] = {"state": "delivered", "attempts_made": 1, "finished_at": moment}
    delivery = make_delivery(lane, id=pk, created_at=moment, **ended | fields)
    make_attempt(delivery, started_at=moment, recorded_at=moment)
    return delivery


def tables_of_attempts() -> dict[int, str]:
    """In which table each attempt is, by the id of its delivery."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT delivery_id, tableoid::regclass::text FROM postbacks_attempt")
        return dict(cursor.fetchall())
