"""Years of finished deliveries, written in minutes: rows as the product leaves them, many at a time.

An event has ten deliveries here, so that deliveries and attempts are what fills the disk. Ids rise with time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection
from tqdm import tqdm

from benchmarks import shelves
from benchmarks.attempts import arrange, width
from benchmarks.rows import PARAMETERS, QUERY, make_destinations, make_partitions
from postbacks import database
from postbacks.models import Postback
from postbacks.partitions import ahead

DAYS: Final = 400  # As the setting has it, of how many days deliveries are kept.
PARTITIONS: Final = 20  # Of a shelf; with 20,000,000 deliveries they are as wide as the product makes them.
FIRED: Final = 10  # Deliveries of each event.
SLICE: Final = 250_000  # Deliveries in one transaction.
WRITERS: Final = 2

_NEXT = """
SELECT (SELECT coalesce(max(id), 0) + 1 FROM actions_action),
       (SELECT coalesce(max(id), 0) + 1 FROM postbacks_delivery)
"""
_ACTIONS = """
INSERT INTO actions_action (id, program_id, action_tracker_id, order_id, order_repeat, status, status_detail,
    event_date, event_utc_offset_minutes, locking_date, clearing_date, original_currency, original_amount, amount,
    intended_amount, payout, intended_payout, event_code, media_source_ids, reported, no_payout_reason, created_at,
    cleared_at)
SELECT %(action)s + n, %(program)s, (%(trackers)s::bigint[])[1 + n %% %(postbacks)s], 'past ' || %(action)s + n, 0,
    CASE WHEN locks_at < now() THEN 'APPROVED' ELSE 'PENDING' END, '', at, 0, locks_at, clears_at, 'USD', 1, 1, 1, 1,
    1, '', '{}', '{}', '', at, CASE WHEN clears_at < now() THEN clears_at END
FROM generate_series(%(first)s / %(fired)s, %(last)s / %(fired)s) n
CROSS JOIN LATERAL (SELECT %(began)s + %(step)s * (n * %(fired)s) AS at) at
CROSS JOIN LATERAL (SELECT at + interval '30 days' AS locks_at, at + interval '45 days' AS clears_at) later
"""
_EVENTS = """
INSERT INTO actions_actionevent (id, action_id, number, kind, parameters, recorded_at)
SELECT %(action)s + n, %(action)s + n, 1, 'created', %(parameters)s, %(began)s + %(step)s * (n * %(fired)s)
FROM generate_series(%(first)s / %(fired)s, %(last)s / %(fired)s) n
"""
_FAILED = "hashint8(%(delivery)s + n) %% 50 = 0"
_DELIVERIES = f"""
INSERT INTO postbacks_delivery (id, postback_id, event_id, action_id, state, due_at, attempts_made, reason, created_at,
    finished_at, known_by)
SELECT %(delivery)s + n, (%(ids)s::bigint[])[1 + (n / %(fired)s + n) %% %(postbacks)s], %(action)s + n / %(fired)s,
    %(action)s + n / %(fired)s, CASE WHEN {_FAILED} THEN 'failed' ELSE 'delivered' END, at, 1,
    CASE WHEN {_FAILED} THEN 'Status 500 is not a success.' ELSE '200 is a success.' END, at, at + interval '3 seconds',
    gen_random_uuid()
FROM generate_series(%(first)s, %(last)s) n CROSS JOIN LATERAL (SELECT %(began)s + %(step)s * n AS at) at
"""  # noqa: S608 -- made of constants
_ATTEMPTS = f"""
INSERT INTO postbacks_attempt (delivery_id, number, started_at, recorded_at, duration_ms, succeeded, reason, method,
    url, request_headers, request_body, status, response_headers, response_body, postback_id, why)
SELECT %(delivery)s + n, 1, at, at + interval '3 seconds', 3, NOT {_FAILED},
    CASE WHEN {_FAILED} THEN 'Status 500 is not a success.' ELSE '200 is a success.' END, 'GET',
    'http://127.0.0.1/in?' || repeat('parameter=value&', 14) || %(delivery)s + n, 'User-Agent: PartnerPostbacks', '',
    CASE WHEN {_FAILED} THEN 500 ELSE 200 END, repeat('Header: value with some length', 5), 'OK',
    (%(ids)s::bigint[])[1 + (n / %(fired)s + n) %% %(postbacks)s], CASE WHEN {_FAILED} THEN 'status_5xx' ELSE '' END
FROM generate_series(%(first)s, %(last)s) n CROSS JOIN LATERAL (SELECT %(began)s + %(step)s * n AS at) at
"""  # noqa: S608 -- made of constants
_GIVE_OUT = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 0) FROM {table}) + %s)"
_TABLES = ("actions_action", "actions_actionevent", "postbacks_delivery")


def on_shelf(count: int, *, destinations: int = 20) -> str:
    """The name of the shelf with so many finished deliveries of DAYS, of which the older half has attempts."""

    def write() -> None:
        with width(count // PARTITIONS):
            arrange(partitioned=True)
            postbacks = make_destinations(["http://127.0.0.1/in"] * destinations, name="past")
            add_past(postbacks, count, attempts=count // 2)

    name = f"past_{count}"
    shelves.fill(name, write)
    return name


def aim(urls: Sequence[str]) -> list[Postback]:
    """The postbacks of the past, which call these from now on."""
    postbacks = list(Postback.objects.select_related("action_tracker").order_by("pk")[: len(urls)])
    for postback, url in zip(postbacks, urls, strict=True):
        postback.url = url + QUERY
    Postback.objects.bulk_update(postbacks, ["url"])
    return postbacks


def add_past(
    postbacks: Sequence[Postback], count: int, *, attempts: int | None = None, days: tuple[float, float] = (DAYS, 1)
) -> None:
    """Adds `count` finished deliveries, made evenly between so many days ago and so many; the first `attempts` of them
    (None: all) have their attempt, as after its partitions were dropped. Nothing else may be due meanwhile."""
    began, ended = days
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        action, delivery = cursor.fetchone()
        values = {
            "program": postbacks[0].action_tracker.program_id,
            "trackers": [postback.action_tracker_id for postback in postbacks],
            "ids": [postback.pk for postback in postbacks],
            "postbacks": len(postbacks),
            "parameters": orjson.dumps(PARAMETERS).decode(),
            "fired": FIRED,
            "action": action,
            "delivery": delivery,
            "began": datetime.now(UTC) - timedelta(days=began),
            "step": timedelta(days=(began - ended) / count),
        }
        _make_room(cursor, delivery, count)
    slices = [(first, min(first + SLICE, count) - 1) for first in range(0, count, SLICE)]
    with (
        tqdm(total=count, desc="past", leave=False, disable=None, unit="", unit_scale=True) as bar,
        ThreadPoolExecutor(WRITERS) as writers,
    ):
        attempted = count if attempts is None else attempts
        for size in writers.map(lambda each: write_slice(values, *each, attempted=each[0] < attempted), slices):
            bar.update(size)
    settle()


def write_slice(values: dict[str, Any], first: int, last: int, *, attempted: bool) -> int:
    """Foreign keys hold by construction and are not checked one by one. Returns how many deliveries it has written."""
    engine = database.connect("benchmark")
    try:
        with engine.cursor() as cursor:
            cursor.execute("BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0")
            for statement in (_ACTIONS, _EVENTS, _DELIVERIES, *([_ATTEMPTS] if attempted else [])):
                cursor.execute(statement, values | {"first": first, "last": last})
            cursor.execute("COMMIT")
    finally:
        engine.close()
    return last - first + 1


def settle() -> None:
    """Nothing is left for autovacuum to do during a measurement."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
        cursor.execute(f"VACUUM (FREEZE, ANALYZE) {', '.join(_TABLES)}, postbacks_attempt")
        cursor.execute("RESET statement_timeout; CHECKPOINT")


def _make_room(cursor: Any, delivery: int, count: int) -> None:
    """Gives out the ids, step by step, so that partitions are made as if they had come one after the other."""
    for table in _TABLES:
        cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        if table != "postbacks_delivery":
            cursor.execute(_GIVE_OUT.format(table=table), [-(-count // FIRED)])
    for last in [*range(delivery, delivery + count - 1, ahead.LEAST_WIDTH), delivery + count - 1]:
        cursor.execute("SELECT setval(pg_get_serial_sequence('postbacks_delivery', 'id'), %s)", [last])
        make_partitions()
