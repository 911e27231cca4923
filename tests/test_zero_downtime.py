"""A deployment in the midst of traffic: a migration adds columns, new workers start, the old ones are told to stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations import AddField
from django.db.migrations.state import ProjectState

from actions.models import Action, ActionEvent
from partners.models import ActionTracker
from postbacks.models import Attempt, Delivery
from tests.factories import make_media_source, make_postback, make_tracker, record_action
from tests.patience import wait_until
from tests.receiver import ScriptedReceiver
from tests.workers import running_workers, start_worker

pytestmark = pytest.mark.django_db(transaction=True)

FEW, PER_SECOND = 80, 1000
STANDSTILL_SECONDS = 10.0  # Some tenths on a machine that has nothing else to do.
CHANGED: tuple[type[models.Model], ...] = (Action, ActionEvent, Delivery, Attempt)


class Reporter(threading.Thread):
    """Records an action every 20 ms, and notes how long each took."""

    def __init__(self, tracker: ActionTracker) -> None:
        super().__init__()
        self._tracker = tracker
        self._enough = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._enough.wait(0.02):
            began = time.monotonic()
            record_action(self._tracker)
            self.seconds.append(time.monotonic() - began)
        connection.close()

    def stop(self) -> None:
        self._enough.set()
        self.join()


@contextmanager
def migrated() -> Iterator[None]:
    """Columns that the old programs know nothing of: one may be empty, one has a default in the database."""
    fields: dict[str, models.Field[Any, Any]] = {
        "of_next_note": models.TextField(null=True),
        "of_next_level": models.IntegerField(db_default=7),
    }
    before = ProjectState.from_apps(apps)
    try:
        for model in CHANGED:
            for name, field in fields.items():
                step = AddField(str(model._meta.model_name), name, field.clone())
                after = before.clone()
                step.state_forwards(model._meta.app_label, after)
                with connection.schema_editor() as editor:
                    step.database_forwards(model._meta.app_label, editor, before, after)
                before = after
        yield
    finally:
        with connection.cursor() as cursor:
            for model in CHANGED:
                for name in fields:
                    cursor.execute(f"ALTER TABLE {model._meta.db_table} DROP COLUMN IF EXISTS {name}")


def test_deliveries_go_out_while_everything_is_replaced() -> None:
    tracker = make_tracker()
    with ScriptedReceiver() as receiver, running_workers() as old:
        url = receiver.url + "/in?delivery={DeliveryId}"
        for limit in (None, PER_SECOND):
            make_postback(tracker, make_media_source(), url=url, maximum_requests=limit)
        reporter = Reporter(tracker)
        reporter.start()
        try:
            receiver.wait_for(FEW, timeout=20)
            with migrated(), start_worker("new"):
                old.stop()
                receiver.wait_for(len(receiver.arrivals) + FEW, timeout=20)
                reporter.stop()
                wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 20, "all are delivered")
        finally:
            reporter.stop()
        arrivals = receiver.arrivals

    arrived = Counter(int(arrival.query["delivery"]) for arrival in arrivals)
    assert arrived == dict.fromkeys(Delivery.objects.values_list("pk", flat=True), 1), "each once"
    assert len(arrived) == 2 * len(reporter.seconds)
    assert max(later.t - earlier.t for earlier, later in pairwise(arrivals)) < STANDSTILL_SECONDS
    assert max(reporter.seconds) < STANDSTILL_SECONDS
