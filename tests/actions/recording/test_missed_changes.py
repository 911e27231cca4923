"""Changes that come while their order is recorded, and those that it has missed: the next look takes each once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from actions.models import Action, ActionEvent, EarlyChange, Submission
from actions.recording import early_changes, keeping, taking
from actions.recording import store as storing
from actions.recording.record import record
from actions.recording.results import Recorded
from actions.tasks import take_early_changes
from partners.models import ActionTracker, Program
from tests.support.api import Caller
from tests.support.early_changes import kinds, long_ago, named, order, state
from tests.support.factories import make_partner, make_report, make_term, make_tracker

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Caller:
    return Caller()


def test_what_misses_its_order_is_taken_by_the_next_look(call: Caller, tracker: ActionTracker) -> None:
    call.form("PUT", "Actions", **named(tracker), Amount="80")
    call.form("PUT", "Actions", **named(tracker), Amount="70")
    # As if the order had been recorded at the same moment, or by a release that knows of no such changes.
    kept = list(EarlyChange.objects.order_by("id").values())
    EarlyChange.objects.all().delete()
    call.form("POST", "Conversions", **order(tracker))
    EarlyChange.objects.bulk_create(EarlyChange(**row) for row in kept)
    take_early_changes()
    amounts = [each.parameters["Amount"] for each in ActionEvent.objects.order_by("id")]
    assert amounts == ["100.00", "80.00", "70.00"]
    take_early_changes()
    assert (kinds(), EarlyChange.objects.count()) == (["created", "modified", "modified"], 0)


def test_one_that_meets_an_error_of_ours_holds_no_other_orders(
    call: Caller, tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [call.submission(call.form("PUT", "Actions", **named(tracker, each), Amount="80"))["Id"] for each in "opq"]
    rows = list(EarlyChange.objects.order_by("id").values())
    EarlyChange.objects.all().delete()
    for order_id in "oq":
        call.form("POST", "Conversions", **order(tracker, order_id))
    EarlyChange.objects.bulk_create(EarlyChange(**row) for row in rows)
    EarlyChange.objects.filter(order_id="p").update(waits_until=long_ago())
    store = storing.store

    def mistaken(states: Any, events: list[ActionEvent]) -> None:
        if any(event.action.order_id == "o" for event in events):
            raise KeyError("nothing foresees this")
        store(states, events)

    monkeypatch.setattr(taking, "store", mistaken)
    take_early_changes()
    assert [state(call, each)[1] for each in ids] == ["waiting", "rejected", "recorded"]
    (entry,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert entry.getMessage().endswith(f"cannot be taken; the first, {ids[0]}: KeyError.")
    assert "nothing foresees this" in (entry.exc_text or "")
    monkeypatch.undo()
    take_early_changes()
    assert state(call, ids[0])[1] == "recorded"


def test_one_whose_submission_is_gone_is_forgotten(call: Caller, tracker: ActionTracker) -> None:
    for order_id in ("o", "p"):
        call.form("PUT", "Actions", **named(tracker, order_id), Amount="80")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM actions_submission")  # As an earlier release prunes.
    call.form("POST", "Conversions", **order(tracker))
    EarlyChange.objects.filter(order_id="p").update(waits_until=long_ago())
    take_early_changes()
    assert (kinds(), EarlyChange.objects.count()) == (["created"], 0)


@pytest.mark.django_db(transaction=True)
def test_an_order_and_its_change_at_the_same_moment_end_right() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    call, rounds = Caller(), 25
    barrier = Barrier(3)

    def run(method: str, path: str, *each_time: dict[str, Any]) -> list[str]:
        told = []
        try:
            connection.ensure_connection()
            for fields in each_time:
                barrier.wait(30)
                told.append(call.json(method, path, **fields).json()["QueuedUri"].rpartition("/")[2])
        finally:
            connections.close_all()
        return told

    numbers = range(rounds)
    with ThreadPoolExecutor(3) as threads:
        calls = [
            threads.submit(run, "POST", "Conversions", *(order(tracker, f"o-{n}") for n in numbers)),
            threads.submit(run, "PUT", "Actions", *({**named(tracker, f"o-{n}"), "Amount": "80"} for n in numbers)),
            threads.submit(run, "PUT", "Actions", *({**named(tracker, f"o-{n}"), "Text1": "x"} for n in numbers)),
        ]
        for each in calls:
            each.result()
    take_early_changes()
    assert Counter(Submission.objects.values_list("kind", "result")) == {
        ("conversion", "recorded"): rounds,
        ("change", "recorded"): 2 * rounds,
    }
    assert Counter(kinds()) == {"created": rounds, "modified": 2 * rounds}
    assert set(Action.objects.values_list("amount", "reported__Text1")) == {(Decimal(80), "x")}
    assert not EarlyChange.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_look_after_a_commit_takes_what_an_order_has_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, call = make_tracker(), Caller()
    keep = keeping.keep

    def order_comes_first(waiting: Any) -> None:
        def post() -> None:
            try:
                assert isinstance(record([make_report(tracker, OrderId="o", Amount="100")])[0], Recorded)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as thread:
            thread.submit(post).result()
        keep(waiting)

    monkeypatch.setattr("actions.intake.recorder.keep", order_comes_first)
    told = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80"))
    assert (told["Result"], Action.objects.get().amount) == ("recorded", 80)


@pytest.mark.django_db(transaction=True)
def test_many_looks_at_once_take_each_change_once() -> None:
    tracker, number = make_tracker(), 40
    with transaction.atomic():
        for each in range(number):
            submission = Submission.objects.create(
                kind="change",
                result="waiting",
                fields={**named(tracker), "Items": [{"Sku": "A", "SubTotalDelta": "-1"}], "Reason": str(each)},
            )
            EarlyChange.objects.create(
                submission=submission,
                kind="modified",
                action_tracker=tracker,
                order_id="o",
                waits_until=timezone.now() + timedelta(hours=1),
            )
        Program.objects.filter(pk=tracker.program_id).update(early_changes_minutes=60)
    rows = list(EarlyChange.objects.order_by("id").values())
    EarlyChange.objects.all().delete()
    record([make_report(tracker, OrderId="o", Items=[{"Sku": "A", "SubTotal": "100"}])])
    EarlyChange.objects.bulk_create(EarlyChange(**row) for row in rows)

    def look() -> int:
        try:
            return keeping.take_missed(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        taken = [future.result() for future in [threads.submit(look) for _ in range(4)]]
    assert sum(taken) == number
    assert Action.objects.get().amount == 100 - number
    reasons = [each.parameters.get("StatusDetail") for each in ActionEvent.objects.order_by("id")]
    assert reasons == [None, *map(str, range(number))]
    assert early_changes.give_up(1) == 0


@pytest.mark.django_db(transaction=True)
def test_what_was_cut_off_while_it_was_taken_is_taken_once() -> None:
    tracker, call = make_tracker(), Caller()
    told = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80"))

    def cut_off() -> None:
        try:
            with transaction.atomic():
                record([make_report(tracker, OrderId="o", Amount="100")])
                assert Action.objects.get().amount == 80
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread, pytest.raises(OperationalError):
        thread.submit(cut_off).result()
    assert (Action.objects.count(), state(call, told["Id"])[1]) == (0, "waiting")
    call.form("POST", "Conversions", **order(tracker))
    assert (kinds(), state(call, told["Id"])[1]) == (["created", "modified"], "recorded")
