"""The steps of docs/backup.md after a loss: the database is restored, and what came since is reported again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from devtools.embedded.postgres import postgres_binary
from partners.models import ActionTracker
from postbacks.models import Delivery, Postback
from tests.support.factories import make_media_source, make_postback, record_action, record_change
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, ScriptedReceiver
from tests.support.workers import manage, running_workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]

URL = "/in?delivery={DeliveryId}&action={ActionId}&order={Oid}&event={ActionEvent}"


def on_the_server(program: str, *arguments: str) -> None:
    place: dict[str, Any] = connection.settings_dict
    where = [f"--{name.lower()}={place[name]}" for name in ("HOST", "PORT") if place.get(name)]
    user = [f"--username={place['USER']}"] if place.get("USER") else []
    command = [str(postgres_binary(program)), *where, *user, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def reports_since(tracker: ActionTracker, before: str) -> None:
    """What came after the backup: new orders, a change of one, and a change of one that the backup has."""
    for order in ("1003", "1004"):
        event = record_action(tracker, OrderId=order)
    record_change(event, "modified", Amount="7")
    record_change(record_action_of(before), "reversed")


def record_action_of(order: str) -> Any:
    return Delivery.objects.filter(action__order_id=order).order_by("pk")[0].event


def what_came(arrivals: list[Arrival]) -> dict[tuple[str, str], str]:
    """The ids of deliveries by order and event."""
    return {(one.query["order"], one.query["event"]): one.query["delivery"] for one in arrivals}


def all_delivered() -> bool:
    return not Delivery.objects.exclude(state="delivered").exists()


def test_restored_and_reported_again_a_receiver_knows_what_it_has_had(tracker: ActionTracker, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    database = connection.settings_dict["NAME"]
    with ScriptedReceiver() as receiver:
        make_postback(tracker, make_media_source(), url=receiver.url + URL)
        with running_workers():
            for order in ("1001", "1002"):
                record_action(tracker, OrderId=order)
            receiver.wait_for(2)
            wait_until(all_delivered, 20, "all are recorded")
            Postback.objects.update(paused_at=timezone.now())
            record_action(tracker, OrderId="1000")  # It waits in the backup, and is sent soon after.
            on_the_server("pg_dump", "--format=custom", f"--file={backup}", database)
            Postback.objects.update(paused_at=None)
            reports_since(tracker, "1001")
            arrivals = receiver.wait_for(7)
            wait_until(all_delivered, 20, "all are recorded")
        before, old = what_came(arrivals), {one.query["action"]: one.query["order"] for one in arrivals}

        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.close()
        on_the_server("pg_restore", "--exit-on-error", f"--dbname={database}", backup)
        manage({}, "migrate")
        manage({}, "after_restore")
        assert not Delivery.objects.filter(action__order_id="1003").exists(), "it is as it was"
        reports_since(tracker, "1001")
        Postback.objects.update(paused_at=None)
        with running_workers():
            wait_until(all_delivered, 30, "all are delivered")
        again = receiver.arrivals[len(arrivals) :]
    assert what_came(again).items() <= before.items()
    assert {("1000", "created"), ("1003", "created"), ("1004", "modified"), ("1001", "reversed")} <= what_came(
        again
    ).keys()
    new = {one.query["action"]: one.query["order"] for one in again}
    assert all(old.get(action, order) == order for action, order in new.items()), "no action's id names another order"
    assert len({one.query["delivery"] for one in again}) == len(again)
