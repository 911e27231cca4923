"""The status command: for people and for machines."""

import io
import json
import os
import socket
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from actions.models import ActionEvent
from commands.exit_codes import ExitCode
from environment.variables import BASE_DIR
from postbacks.database import raw_cursor
from postbacks.lifecycle import delete_postback, pause
from postbacks.metrics.tally import count_ended
from postbacks.models import Delivery, Lane, Postback
from postbacks.status import read_status
from tests.support import programs
from tests.support.factories import make_media_source, make_postback
from tests.support.workers import environment

pytestmark = pytest.mark.django_db


def make_deliveries(postback: Postback, event: ActionEvent, count: int = 1, **fields: Any) -> None:
    defaults = {"postback": postback, "event": event, "action": event.action, "due_at": timezone.now()}
    for _ in range(count):
        Delivery.objects.create(**{**defaults, **fields})
    state = fields.get("state", Delivery.State.READY)
    if state not in Delivery.UNFINISHED:
        with raw_cursor() as cursor:
            count_ended(cursor, {postback.pk: count}, state)


def test_it_counts_by_state_and_by_postback(event: ActionEvent) -> None:
    tracker = event.action.action_tracker
    first = make_postback(tracker, make_media_source(name="Compass"), name="one")
    second = make_postback(tracker, make_media_source(name="Steam"), name="two")
    make_deliveries(first, event, 3, state=Delivery.State.DELIVERED)
    make_deliveries(first, event, 2, state=Delivery.State.READY)
    make_deliveries(second, event, 1, state=Delivery.State.BLOCKED)
    make_deliveries(second, event, 1, state=Delivery.State.SENDING, owner=1, lease_until=timezone.now())
    make_deliveries(second, event, 4, state=Delivery.State.FAILED)
    pause(second)
    printed = io.StringIO()

    call_command("postback_status", "--json", stdout=printed)

    status = json.loads(printed.getvalue())
    counts = {"blocked": 1, "ready": 2, "sending": 1, "delivered": 3, "failed": 4, "cancelled": 0}
    assert status["deliveries"] == counts
    assert status["backlog"] == 4
    assert status["paused"] == [second.pk]
    assert status["held"] == []
    none = dict.fromkeys(Delivery.State.values, 0)
    assert status["postbacks"] == [
        {
            "id": first.pk,
            "owner": str(first.owner),
            "name": "one",
            "state": "active",
            "deliveries": {**none, "ready": 2, "delivered": 3},
        },
        {
            "id": second.pk,
            "owner": str(second.owner),
            "name": "two",
            "state": "paused",
            "deliveries": {**none, "blocked": 1, "sending": 1, "failed": 4},
        },
    ]


def test_the_oldest_waiting_is_the_one_that_has_been_due_longest(event: ActionEvent) -> None:
    tracker = event.action.action_tracker
    active = make_postback(tracker, make_media_source())
    paused = make_postback(tracker, make_media_source())
    pause(paused)
    now = timezone.now()
    make_deliveries(active, event, due_at=now - timedelta(seconds=100))
    make_deliveries(active, event, due_at=now - timedelta(seconds=40))
    make_deliveries(active, event, due_at=now + timedelta(hours=1))
    make_deliveries(active, event, due_at=now - timedelta(days=1), state=Delivery.State.BLOCKED)
    make_deliveries(active, event, due_at=now - timedelta(days=1), state=Delivery.State.DELIVERED)
    make_deliveries(paused, event, due_at=now - timedelta(days=1))

    assert 100 <= read_status().oldest_waiting_seconds < 110


def test_a_destination_that_is_down_is_held(event: ActionEvent) -> None:
    tracker = event.action.action_tracker
    down, healthy, deleted = (make_postback(tracker, make_media_source()) for _ in range(3))
    now = timezone.now()
    for postback in (down, deleted):
        Lane.objects.create(postback=postback, failures=10, held_since=now, probe_at=now)
    Lane.objects.create(postback=healthy, failures=9)
    delete_postback(deleted)
    printed = io.StringIO()

    call_command("postback_status", stdout=printed)

    assert read_status().held == [down.pk]
    assert "Held destinations: 1" in printed.getvalue()
    assert printed.getvalue().count("held") == 1


def test_nothing_due_is_zero_seconds(event: ActionEvent) -> None:
    postback = make_postback(event.action.action_tracker, make_media_source())
    make_deliveries(postback, event, due_at=timezone.now() + timedelta(hours=1))

    assert read_status().oldest_waiting_seconds == 0
    assert read_status().backlog == 1


def test_a_deleted_postback_is_shown_as_long_as_it_has_deliveries(event: ActionEvent) -> None:
    tracker = event.action.action_tracker
    used, unused = (make_postback(tracker, make_media_source()) for _ in range(2))
    make_deliveries(used, event)
    delete_postback(used)
    delete_postback(unused)

    assert [(each.id, each.state) for each in read_status().postbacks] == [(used.pk, "deleted")]
    assert read_status().deliveries["cancelled"] == 1


def test_the_number_of_queries_does_not_grow_with_the_postbacks(
    event: ActionEvent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_deliveries(make_postback(event.action.action_tracker, make_media_source()), event)

    with django_assert_num_queries(10):
        read_status()


def test_the_table_has_a_line_for_each_postback(event: ActionEvent) -> None:
    postback = make_postback(event.action.action_tracker, make_media_source(name="Compass"), name="one")
    make_deliveries(postback, event, 1_234, state=Delivery.State.DELIVERED)
    printed = io.StringIO()

    call_command("postback_status", stdout=printed)

    lines = printed.getvalue().splitlines()
    assert lines[0] == "Deliveries: blocked 0  ready 0  sending 0  delivered 1,234  failed 0  cancelled 0"
    assert lines[1] == "Backlog: 0   Oldest waiting: 0 s   Held destinations: 0   Paused: 0"
    assert lines[3].split() == ["id", "owner", "name", "state", *Delivery.State.values]
    cells = lines[4].split()
    assert cells[0] == str(postback.pk)
    assert cells[-7:] == ["active", "0", "0", "0", "1,234", "0", "0"]
    assert len(lines) == 5


def test_without_postbacks_it_says_so() -> None:
    printed = io.StringIO()

    call_command("postback_status", stdout=printed)

    assert printed.getvalue().splitlines()[-1] == "No postbacks are set up."


@pytest.mark.parametrize(
    ("place", "fix"),
    [
        pytest.param("127.0.0.1:1", "Start PostgreSQL, or correct host and port in DATABASE_URL.", id="away"),
        pytest.param("127.0.0.1:{silent}", "Check that the host answers", id="silent"),
        pytest.param("no.such.invalid:5432", "Correct the host name in DATABASE_URL.", id="unknown"),
    ],
)
def test_without_a_database_it_says_so_and_what_to_do(place: str, fix: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"postgres://u:p@{place.format(silent=listening.getsockname()[1])}/x"
        variables = {**os.environ, **environment(), "DATABASE_URL": url}
        done = programs.run(
            [sys.executable, "manage.py", "postback_status"],
            cwd=BASE_DIR,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == ExitCode.SERVER_AWAY
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: The database does not answer: ")
    assert fix in line
