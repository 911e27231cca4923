"""What the engine's parts work on: deliveries as rows, and the stages that one goes through, each on its own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as django_connection
from django.db import transaction
from django.utils import timezone
from psycopg2 import extensions
from redis import Redis

from actions.models import ActionEvent
from postbacks import database
from postbacks.delivery import heartbeat, leases, rate_limit, ready_queue, sweep
from postbacks.delivery.outcomes import Claimed, Prepared, Sent
from postbacks.delivery.rate_limit import Window
from postbacks.delivery.redis import client
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Failure
from postbacks.models import Delivery, Lane, Postback
from postbacks.request.building import Request
from postbacks.verdicts.rules import compile_rules
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action
from tests.support.workers import CeleryProcess

OWNER = 4711
_ids = itertools.count(1)


def make_lane(**fields: Any) -> Postback:
    """A network's postback for an event type of its own."""
    return make_postback(make_tracker(), make_media_source(), **fields)


def make_event(lane: Postback) -> ActionEvent:
    """The first event of a new action, recorded as if the postback had not been there.

    No other session sees it deleted: a worker's sweep would cancel what waits for it.
    """
    with transaction.atomic():
        Postback.objects.filter(pk=lane.pk).update(deleted_at=timezone.now())
        event = record_action(lane.action_tracker)
        Postback.objects.filter(pk=lane.pk).update(deleted_at=None)
    return event


def make_delivery(
    lane: Postback, event: ActionEvent | None = None, *, due_in_seconds: float = -1.0, **fields: Any
) -> Delivery:
    """A ready delivery, of a new action unless `event` is given; due a second ago unless told otherwise."""
    event = event or make_event(lane)
    due_at = timezone.now() + timedelta(seconds=due_in_seconds)
    return Delivery.objects.create(
        **{"postback": lane, "event": event, "action": event.action, "due_at": due_at, **fields}
    )


def make_held(
    lane: Postback,
    event: ActionEvent | None = None,
    *,
    owner: int = OWNER,
    lease_seconds: float = 60.0,
    **fields: Any,
) -> Delivery:
    """A delivery that a worker process is sending."""
    lease_until = timezone.now() + timedelta(seconds=lease_seconds)
    return make_delivery(lane, event, state=Delivery.State.SENDING, owner=owner, lease_until=lease_until, **fields)


def claimed(
    delivery: Delivery | None = None, *, lane: int = 1, lease_seconds: float = 60.0, attempt: int = 1
) -> Claimed:
    """What the claim returns for this delivery, or for one that no table holds."""
    expires = time.monotonic() + lease_seconds
    if delivery is None:
        number = next(_ids)
        return Claimed(number, lane, 1, attempt, "created", 0, str(number), "{}", expires)
    number, sent_as = delivery.attempts_made + 1, delivery.sent_as
    priority = delivery.priority
    return Claimed(
        delivery.pk, delivery.postback_id, delivery.action_id, number, "created", priority, sent_as, "{}", expires
    )


def make_request(
    url: str = "http://receiver.example/in", body: bytes | None = None, headers: dict[str, str] | None = None
) -> Request:
    """A GET, or a POST where there is a body, just as given."""
    return Request("GET" if body is None else "POST", url, headers or {}, body)


def prepared(
    one: Claimed,
    url: str = "http://receiver.example/in",
    *,
    window: Window | None = None,
    success: str = "",
    error: str = "",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Prepared:
    return Prepared(one, make_request(url, body, headers), compile_rules(success, error), window)


def make_answer(status: int = 200, body: bytes = b"OK", headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, body, "\n".join(f"{name}: {value}" for name, value in (headers or {}).items()))


def sent(ready: Prepared, answer: Answer | Failure | None = None) -> Sent:
    """An attempt that took 12 ms at a fixed moment; answered 200 OK unless told otherwise."""
    started_at = datetime(2026, 11, 20, 10, 30, 0, 125_000, tzinfo=UTC).timestamp()
    return Sent(ready, started_at, 0.0124, answer if answer is not None else make_answer())


@contextmanager
def engine_connection() -> Iterator[extensions.connection]:
    """One of the engine's own connections: autocommit, with the plan pinned."""
    connection = database.connect("test")
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def living_worker() -> Iterator[None]:
    """What a worker process and beat look like to the database: a lock, and marks of a moment ago."""
    with engine_connection() as connection, connection.cursor() as cursor:
        leases.announce(connection, leases.new_holder())
        for name in (heartbeat.SWEEP, heartbeat.BEAT):
            heartbeat.note(cursor, name)
        yield


def undelivered(worker: CeleryProcess) -> str:
    """What is not delivered and who has it, and what the worker has said last: for a test that waits in vain."""
    left = Delivery.objects.exclude(state="delivered").order_by("pk")
    fields = ("pk", "postback_id", "state", "owner", "lease_until", "due_at", "attempts_made", "reason")
    rows = [*left.values_list(*fields)[:10], *Lane.objects.values()]
    return "\n".join([f"{left.count()} are not:", *map(str, rows), worker.log.read_text()[-4000:]])


def terminate(connection_name: str) -> int:
    """Ends the server's side of the engine's connections of this name in the test database; how many there were."""
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [f"postbacks {connection_name}"],
        )
        return int(cursor.fetchone()[0])


@contextmanager
def redis_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine finds nobody listening."""
    nobody = Redis.from_url("redis://127.0.0.1:1/0", socket_timeout=1, socket_connect_timeout=1)
    with monkeypatch.context() as patch:
        for script in (ready_queue._wake_script, ready_queue._take_script, rate_limit._script):
            patch.setattr(script, "registered_client", nobody)
        for module in (ready_queue, sweep):
            patch.setattr(module, "client", nobody)
        yield


def lane_scores() -> dict[int, float]:
    """The lanes in Redis, with the seconds until they have work."""
    seconds, microseconds = client.time()
    now = seconds + microseconds / 1e6
    found: Any = [client.zrange(key, 0, -1, withscores=True) for key in (ready_queue.DEEP, ready_queue.LANES)]
    return {int(lane): score / 1000 - now for lanes in found for lane, score in lanes}


@contextmanager
def held_up(delivery: Delivery) -> Iterator[None]:
    """Holds the delivery's row, so that any process that writes it waits."""
    with engine_connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM postbacks_delivery WHERE id = %s FOR UPDATE", [delivery.pk])
        yield


def waits_for_a_lock(connection_name: str) -> bool:
    """Whether one of the engine's connections of this name waits for somebody else's lock."""
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database() AND wait_event_type = 'Lock'",
            [f"postbacks {connection_name}"],
        )
        return bool(cursor.fetchone()[0])
