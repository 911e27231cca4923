"""`after_restore`: a restored database is recognised, gives no id twice, and sends nothing until it is asked to."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from operations.after_restore import cluster
from operations.after_restore.steps import SMALL_TABLES, TABLES
from operations.asking import Asker
from operations.doctor.restored import look_for_a_restore
from operations.doctor.starting import warn_of_a_restore
from partners.models import ActionTracker
from postbacks.models import Delivery, Postback, Pulse
from tests.support.delivery_rows import living_worker, make_delivery, make_lane
from tests.support.factories import make_media_source, make_postback, record_action

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("after_restore", *arguments, stdout=output)
    return output.getvalue()


def doctor() -> list[str]:
    with Asker(5) as asker:
        return [each.what for each in look_for_a_restore(asker)]


def restore() -> None:
    """As far as the data shows: it was written by another server, or on another timeline."""
    Pulse.objects.filter(name__startswith=cluster.CLUSTER).delete()
    Pulse.objects.create(name=f"{cluster.CLUSTER}0123456789ab", at="2026-11-20T12:00:00Z")


def test_the_doctor_recognises_a_restored_database_until_it_was_made_safe() -> None:
    Pulse.objects.filter(name__startswith=cluster.CLUSTER).delete()
    assert doctor() == [], "of an earlier release, nothing is known"
    cluster.note_first()
    assert doctor() == []
    restore()
    cluster.note_first()
    assert [each[:69] for each in doctor()] == ["The database was restored, or a standby was promoted: its server is n"]
    run()
    assert doctor() == []
    restore()
    run("--nothing-lost")
    assert doctor() == []


def test_a_recovery_to_a_point_in_time_is_another_server() -> None:
    assert cluster.name_of([("7377", "00000001")]) != cluster.name_of([("7377", "00000002")])
    assert cluster.name_of([]) is None


def test_ids_are_skipped_for_all_that_others_know() -> None:
    def highest(table: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")
            return int(cursor.fetchone()[0])

    before = {table: highest(table) for table in (*TABLES, *SMALL_TABLES)}
    run("--skip", "5000")
    assert {table: highest(table) - number for table, number in before.items()} == {
        **dict.fromkeys(TABLES, 5001),
        **dict.fromkeys(SMALL_TABLES, 1001),
    }


def test_an_id_above_its_counter_is_not_given_again(tracker: ActionTracker) -> None:
    """A file of the set-up may have given it."""
    ActionTracker.objects.filter(pk=tracker.pk).update(id=tracker.pk + 50_000)
    run("--skip", "0")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('partners_actiontracker', 'id'))")
        assert cursor.fetchone()[0] > tracker.pk + 50_000


def test_every_postback_is_paused_and_only_those_are_resumed(tracker: ActionTracker) -> None:
    network = make_media_source()
    one, own = make_postback(tracker, network), make_postback(tracker, make_media_source())
    Postback.objects.filter(pk=own.pk).update(paused_at="2026-11-20T12:00:00Z", pause_reason="")
    record_action(tracker)
    said = json.loads(run("--json"))
    assert [(each["postback"], each["waiting"], each["paused_now"]) for each in said["postbacks"]] == [
        (one.pk, 1, True),
        (own.pk, 1, False),
    ]
    assert "Postbacks paused: 0 of 2." in run()
    assert run("--resume") == "Resumed: 1.\n"
    assert list(Postback.objects.filter(paused_at=None)) == [one]


def test_what_receivers_have_had_is_cancelled(tracker: ActionTracker, tmp_path: Path) -> None:
    make_postback(tracker, make_media_source())
    events = [record_action(tracker) for _ in range(3)]
    had = [str(Delivery.objects.get(event=event).known_by) for event in events[:2]]
    file = tmp_path / "had.txt"
    file.write_text(f"{had[0]}\n\n{had[1].upper()}\n5e3f9c0a-71d2-4b8e-93ac-0f6d2b7a4c11\n")
    assert run("--had", str(file)) == "Cancelled: 2, of 3 ids.\n"
    assert [Delivery.objects.get(event=event).state for event in events] == ["cancelled", "cancelled", "ready"]
    file.write_text(f"{had[0]}\nAction 7\n")
    with pytest.raises(CommandError, match=re.escape("line 2: 'Action 7' is no {DeliveryId}. Nothing was changed.")):
        run("--had", str(file))
    with pytest.raises(CommandError, match="No such file"):
        run("--had", str(tmp_path / "none"))


def test_beside_workers_nothing_is_done() -> None:
    delivery = make_delivery(make_lane())
    with living_worker(), pytest.raises(CommandError, match="Stop web, workers and beat"):
        run()
    assert Postback.objects.get(pk=delivery.postback_id).paused_at is None


def test_a_server_that_does_not_tell_is_left_alone(monkeypatch: Any) -> None:
    restore()
    monkeypatch.setattr(cluster, "NOW", "SELECT no_such_function()")
    run("--nothing-lost")
    assert Pulse.objects.filter(name=f"{cluster.CLUSTER}0123456789ab").exists()


def test_a_worker_that_starts_on_a_restored_database_says_so(caplog: pytest.LogCaptureFixture) -> None:
    cluster.note_first()
    warn_of_a_restore()
    assert caplog.messages == []
    restore()
    warn_of_a_restore()
    assert [each[:26] for each in caplog.messages] == ["The database was restored,"]
    assert "manage.py after_restore" in caplog.text
