"""The file of answers that outlives its process: read once it is nobody's, for what is still to be recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg2 import extensions
from pytest_django import Settings

from postbacks.delivery import answered
from postbacks.delivery.answered import PLACES, REASON, Answered, recover
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Retry
from postbacks.egress.failures import Code, Failure
from postbacks.models import Attempt, Delivery, Postback
from tests.support.delivery_rows import OWNER, claimed, held_up, make_answer, make_delivery, make_held, prepared, sent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "answered"


@pytest.fixture
def file(folder: Path) -> Iterator[Answered]:
    file = Answered(OWNER)
    yield file
    file.close()


def judged(delivery: Delivery, outcome: Outcome, status: int = 200) -> Judged:
    one = claimed(delivery)
    return Judged(one, outcome, sent(prepared(one), make_answer(status)))


def die(file: Answered) -> None:
    """Leaves the file as `kill -9` does."""
    os.close(file._fd)
    assert file._map is not None
    file._map.close()
    file._map = None


def states(*deliveries: Delivery) -> list[tuple[str, int]]:
    rows = {row.pk: row for row in Delivery.objects.all()}
    return [(rows[one.pk].state, rows[one.pk].attempts_made) for one in deliveries]


def test_what_the_dead_could_not_record_is_recorded_and_its_successor_follows(
    file: Answered, folder: Path, connection: extensions.connection, lane: Postback
) -> None:
    made = [make_held(lane, attempts_made=2) for _ in range(3)]
    successor = make_delivery(lane, made[0].event, state="blocked")
    silent, unheard_of = make_held(lane), make_held(lane)
    outcomes: list[Outcome] = [Delivered("Fine."), Retry("Not yet.", 300.0), GaveUp("Gone.")]
    for one, outcome, status in zip(made, outcomes, (204, 503, 410), strict=True):
        file.note(judged(one, outcome, status))
    file.note(Judged(claimed(silent), Retry("x", 5.0), sent(prepared(claimed(silent)), Failure(Code.TIMEOUT, "x"))))
    assert recover(connection) == 0, "its owner is alive"
    assert states(made[0]) == [("sending", 2)]

    die(file)
    assert recover(connection) == 3
    assert states(*made) == [("delivered", 3), ("ready", 3), ("failed", 3)]
    assert states(successor, silent, unheard_of) == [("ready", 0), ("sending", 0), ("sending", 0)]
    assert Delivery.objects.get(pk=made[1].pk).due_at - made[1].due_at > timedelta(seconds=250)
    kept = Attempt.objects.order_by("delivery_id").values_list(
        "number", "status", "succeeded", "reason", "duration_ms", "method"
    )
    assert list(kept) == [(3, status, status == 204, REASON, 12, "GET") for status in (204, 503, 410)]
    assert {row.started_at.timestamp() for row in Attempt.objects.all()} == {sent(prepared(claimed())).started_at}
    assert list(folder.iterdir()) == []


def test_what_was_recorded_or_is_anothers_by_now_stays_as_it_is(
    file: Answered, connection: extensions.connection, write: Callable[..., None], lane: Postback
) -> None:
    recorded, taken_over, tried_again = make_held(lane), make_held(lane), make_held(lane)
    for one in (recorded, taken_over, tried_again):
        file.note(judged(one, Delivered("Fine.")))
    write(judged(recorded, Delivered("Fine.")))
    Delivery.objects.filter(pk=taken_over.pk).update(owner=OWNER + 1)
    Delivery.objects.filter(pk=tried_again.pk).update(attempts_made=1)
    die(file)
    assert recover(connection) == 0
    assert states(recorded, taken_over, tried_again) == [("delivered", 1), ("sending", 0), ("sending", 1)]
    assert Attempt.objects.count() == 1


def test_a_locked_one_is_left_for_the_next_look(
    file: Answered, folder: Path, connection: extensions.connection, lane: Postback
) -> None:
    locked, free = make_held(lane), make_held(lane)
    for one in (locked, free):
        file.note(judged(one, Delivered("Fine.")))
    die(file)
    with held_up(locked):
        assert recover(connection) == 1
        assert states(locked, free) == [("sending", 0), ("delivered", 1)]
    assert recover(connection) == 1
    assert states(locked) == [("delivered", 1)]
    assert list(folder.iterdir()) == []


def test_a_half_written_note_is_none_and_an_old_one_gives_way(
    file: Answered, connection: extensions.connection, lane: Postback
) -> None:
    old, torn, whole = [make_held(lane) for _ in range(3)]
    file.note(judged(old, Delivered("Fine.")))
    for _ in range(PLACES - 2):
        file.note(judged(whole, Delivered("Fine.")))
    file.note(judged(torn, Delivered("Fine.")))
    assert file._map is not None
    file._map[(PLACES - 1) * answered._SIZE + 3] ^= 1
    file.note(judged(whole, Delivered("Fine.")))
    die(file)
    assert recover(connection) == 1
    assert states(old, torn, whole) == [("sending", 0), ("sending", 0), ("delivered", 1)]


def test_files_of_another_database_and_of_processes_that_end_are_nobodys(
    file: Answered, folder: Path, connection: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(answered, "_database", lambda: "another")
        die(Answered(OWNER))
    assert recover(connection) == 0
    assert (folder / f"another-{OWNER}").exists()
    file.close()
    assert [each.name for each in folder.iterdir()] == [f"another-{OWNER}"]


def test_where_nothing_can_be_written_nothing_is_noted(
    folder: Path, connection: extensions.connection, lane: Postback, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("no folder")
    file = Answered(OWNER)
    file.note(judged(make_held(lane), Delivered("Fine.")))
    file.close()
    assert recover(connection) == 0
    assert "Answers are not noted" in caplog.text
