"""Changes that come before their orders: kept, taken in their order when the order comes, given up in time."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from actions.models import Action, ActionEvent, EarlyChange, ImportPart, Submission
from actions.recording import keeping, taking
from actions.recording import store as storing
from actions.recording.record import record
from actions.recording.results import Waiting
from actions.reports.report import parse_report
from actions.tasks import take_early_changes
from operations.retention.kinds import SUBMISSIONS
from partners.models import ActionTracker, Partner, Program
from postbacks.models import Delivery, Postback
from tests.support.api import Caller, lines, results
from tests.support.early_changes import kinds, long_ago, named, order, state
from tests.support.factories import make_program, make_report, make_tracker

pytestmark = pytest.mark.django_db

BATCH = "application/x-ndjson"


@pytest.fixture
def call() -> Caller:
    return Caller()


def test_changes_wait_for_their_order_and_are_taken_as_they_came(
    call: Caller, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    put = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80", Reason="ORDER_UPDATE"))
    assert (put["Status"], put["Result"], put["ErrorType"], put["ErrorReason"]) == ("Queued", "waiting", "", "")
    assert put["Message"].startswith(f"There is no action with the order id o of the event type {tracker.pk} yet.")
    less = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="60"))
    delete = call.submission(call("DELETE", f"Actions?ActionTrackerId={tracker.pk}&OrderId=o&DispositionCode=OTHER"))
    assert not Action.objects.exists()

    assert call.submission(call.form("POST", "Conversions", **order(tracker, MediaPartnerId=partner.pk)))["Result"] == (
        "recorded"
    )

    events = ActionEvent.objects.order_by("id")
    assert [(each.kind, each.number, each.parameters["Amount"]) for each in events] == [
        ("created", 1, "100.00"),
        ("modified", 2, "80.00"),
        ("modified", 3, "60.00"),
        ("reversed", 4, "0.00"),
    ]
    assert list(Delivery.objects.order_by("id").values_list("event", flat=True)) == [each.pk for each in events]
    action = Action.objects.get()
    for submission in (put, less, delete):
        told = call("GET", f"APISubmissions/{submission['Id']}").json()
        assert (told["Status"], told["Result"], told["ActionId"]) == ("Complete", "recorded", action.action_id)
        assert told["Message"] == "It came before its order, and was taken when the order came."
        assert told["ProcessedDate"] >= submission["ProcessedDate"]
    assert list(Submission.objects.values_list("fields", flat=True)) == [{}] * 4
    assert not EarlyChange.objects.exists()


def test_a_code_names_the_order_that_is_waited_for(call: Caller) -> None:
    tracker = make_tracker(code="SALE")
    told = call.submission(call.form("PUT", "Actions", EventTypeCode="SALE", OrderId="o", Amount="80"))
    assert told["Result"] == "waiting"
    call.form("POST", "Conversions", **order(tracker))
    assert (Action.objects.get().amount, state(call, told["Id"])[1]) == (80, "recorded")


def test_lines_of_a_batch_wait_too(call: Caller, tracker: ActionTracker) -> None:
    change = {**named(tracker), "Event": "modified", "Amount": "80"}
    response = call("POST", "Conversions/Batch", lines(change), form=BATCH)
    first = results(response)[0]
    whole = response.headers["Content-Location"].split("/", 3)[3]
    counts = call("GET", whole).json()
    assert (counts["Status"], counts["Waiting"], counts["Recorded"]) == ("Complete", 1, 0)
    assert (first["Result"], state(call, first["Submission"])[:2]) == ("waiting", ("Queued", "waiting"))
    second = [{**change, "Amount": "70"}, order(tracker), {**change, "Amount": "60"}, {**change, "OrderId": "other"}]
    told = results(call("POST", "Conversions/Batch", lines(*second), form=BATCH))
    assert [each["Result"] for each in told] == ["recorded", "recorded", "recorded", "waiting"]
    amounts = [each.parameters["Amount"] for each in ActionEvent.objects.order_by("id")]
    assert amounts == ["100.00", "80.00", "70.00", "60.00"]
    assert state(call, first["Submission"])[:2] == ("Complete", "recorded")
    assert call("GET", whole).json()["Waiting"] == 0
    again = results(call("POST", "Conversions/Batch", lines(change), form=BATCH, **{"Idempotency-Key": "k"}))
    assert results(call("POST", "Conversions/Batch", lines(change), form=BATCH, **{"Idempotency-Key": "k"})) == again


def test_lines_of_a_file_wait_and_an_import_that_goes_on_tells_of_them(tracker: ActionTracker, tmp_path: Path) -> None:
    path, out, err = tmp_path / "changes.csv", StringIO(), StringIO()
    path.write_text(f"Oid,ActionTrackerId,Amount,Reason\no,{tracker.pk},80,ORDER_UPDATE\n")
    call_command("import_actions", str(path), event="modified", jobs=1, stdout=out, stderr=err)
    assert out.getvalue() == "0 recorded, 0 repeated, 0 rejected, 1 waiting for their orders.\n"
    assert "Line 2: note: it came before its order" in err.getvalue()
    assert ImportPart.objects.get().waiting == 1
    submission = Submission.objects.get()
    assert (submission.kind, submission.line, submission.result) == ("file", 2, "waiting")
    path = tmp_path / "sales.jsonl"
    path.write_text(json.dumps(order(tracker)))
    call_command("import_actions", str(path), jobs=1)
    assert Action.objects.get().amount == 80
    submission.refresh_from_db()
    assert (submission.result, submission.action) == ("recorded", Action.objects.get())


def test_a_dry_run_keeps_nothing(tracker: ActionTracker, tmp_path: Path, root: Client) -> None:
    path, out = tmp_path / "changes.jsonl", StringIO()
    change = {**named(tracker), "Event": "reversed"}
    path.write_text(json.dumps(change))
    call_command("import_actions", str(path), dry_run=True, stdout=out)
    assert "1 waiting for their orders" in out.getvalue()
    page = root.post("/admin/actions/action/report/", {"text": json.dumps(change), "check": "1"})
    assert "1 waiting for their orders" in page.content.decode()
    assert not Submission.objects.exists()
    root.post("/admin/actions/action/report/", {"text": json.dumps(change), "record": "1"})
    assert EarlyChange.objects.count() == 1


def test_after_its_time_a_change_is_refused(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80"))
    early = EarlyChange.objects.get()
    assert timedelta(minutes=59) < early.waits_until - timezone.now() <= timedelta(minutes=60)
    take_early_changes()
    assert state(call, told["Id"])[:2] == ("Queued", "waiting")
    EarlyChange.objects.update(waits_until=long_ago())
    call.form("POST", "Conversions", **order(tracker))  # Too late, though nobody has looked yet.
    take_early_changes()
    assert state(call, told["Id"]) == ("Complete", "rejected", "ACTION_NOT_FOUND")
    assert (kinds(), EarlyChange.objects.count()) == (["created"], 0)
    assert Submission.objects.get(result="rejected").fields["Amount"] == "80"
    call_command("process_submissions", told["Id"])  # It can be processed again, and does not wait again.
    assert kinds() == ["created", "modified"]
    gone = call.submission(call.form("PUT", "Actions", **named(tracker, "gone"), Amount="80"))
    EarlyChange.objects.update(waits_until=long_ago())
    take_early_changes()
    call_command("process_submissions", gone["Id"])
    assert state(call, gone["Id"])[1:] == ("rejected", "ACTION_NOT_FOUND")


def test_the_program_says_how_long(call: Caller, tracker: ActionTracker) -> None:
    Program.objects.update(early_changes_minutes=5)
    call.form("PUT", "Actions", **named(tracker), Amount="80")
    assert EarlyChange.objects.get().waits_until <= timezone.now() + timedelta(minutes=5)
    Program.objects.update(early_changes_minutes=0)
    told = call.submission(call.form("PUT", "Actions", **named(tracker, "p"), Amount="80"))
    assert (told["Result"], told["ErrorReason"]) == ("rejected", "ACTION_NOT_FOUND")


def test_only_what_an_order_may_answer_waits(call: Caller, tracker: ActionTracker) -> None:
    call.form("POST", "Conversions", **order(tracker))
    for fields in (
        {"ActionId": f"{tracker.program_id}.{tracker.pk}.999999"},
        {"ActionTrackerId": 999_999, "OrderId": "p"},
        {**named(tracker, "p"), "CampaignId": make_program().pk},
        {**named(tracker, "o"), "CampaignId": make_program().pk},
    ):
        told = call.submission(call.form("PUT", "Actions", **fields, Amount="80"))
        assert (told["Result"], told["ErrorReason"]) == ("rejected", "ACTION_NOT_FOUND"), fields
    assert not EarlyChange.objects.exists()


def test_a_change_of_an_order_that_is_refused_ends_as_not_found(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80"))
    refused = call.submission(call.form("POST", "Conversions", **order(tracker, CurrencyCode="JPY")))
    assert refused["Result"] == "rejected"
    assert state(call, told["Id"])[1] == "waiting"
    EarlyChange.objects.update(waits_until=long_ago())
    take_early_changes()
    assert state(call, told["Id"]) == ("Complete", "rejected", "ACTION_NOT_FOUND")


def test_a_change_that_the_order_does_not_allow_is_refused_and_leaves_the_order(
    call: Caller, tracker: ActionTracker
) -> None:
    restore = call.submission(call.form("PUT", "Actions", **named(tracker), Event="restored"))
    wrong = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80", CurrencyCode="EUR"))
    right = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="70"))
    assert call.submission(call.form("POST", "Conversions", **order(tracker)))["Result"] == "recorded"
    assert state(call, restore["Id"])[1:] == ("rejected", "ACTION_NOT_REVERSED")
    assert state(call, wrong["Id"])[1:] == ("rejected", "MALFORMED")
    assert state(call, right["Id"])[1] == "recorded"
    assert Action.objects.get().amount == 70


def test_a_change_that_cannot_be_stored_costs_neither_the_order_nor_the_others(
    call: Caller, tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="80", Note="bad"))
    good = call.submission(call.form("PUT", "Actions", **named(tracker), Amount="70"))
    store = storing.store

    def refuse(states: Any, events: list[ActionEvent]) -> None:
        if any(event.parameters.get("Note") == "bad" for event in events):
            raise RecursionError
        store(states, events)

    monkeypatch.setattr(taking, "store", refuse)
    assert call.submission(call.form("POST", "Conversions", **order(tracker)))["Result"] == "recorded"
    take_early_changes()
    assert state(call, bad["Id"])[1:] == ("rejected", "MALFORMED")
    assert state(call, good["Id"])[1] == "recorded"
    assert kinds() == ["created", "modified"]


def test_while_nothing_waits_recording_asks_nothing_more(tracker: ActionTracker) -> None:
    def queries(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            record([make_report(tracker, OrderId=f"n-{number}-{each}") for each in range(3)])
        return len(captured)

    queries(0)  # Reads the set-up.
    usual = queries(1)
    record_waiting(tracker)
    assert queries(2) == usual + 1


def record_waiting(tracker: ActionTracker, order_id: str = "elsewhere") -> Submission:
    """A change that is kept."""
    fields = {**named(tracker, order_id), "Amount": "1", "CustomerId": "zq7"}
    (result,) = record([parse_report({**fields, "Event": "modified"})])
    assert isinstance(result, Waiting)
    submission = Submission.objects.create(kind="change", result="waiting", fields=fields)
    keeping.keep([(submission, result)])
    return submission


def test_a_person_is_found_and_erased_in_a_change_that_waits(call: Caller, tracker: ActionTracker) -> None:
    personal = {"customer_id": "zq7-id", "CustomerCity": "zq7-city", "Whatever": "zq7-name", "Text1": "kept"}
    told = call.submission(call.json("PUT", "Actions", **named(tracker), Amount="80", **personal))
    out = StringIO()
    call_command("export_person", "zq7-id", stdout=out)
    assert json.loads(out.getvalue())["submissions"][0]["fields"]["CustomerCity"] == "zq7-city"
    call_command("erase_person", "zq7-id", "--yes", stdout=StringIO())
    assert "zq7" not in json.dumps(list(Submission.objects.values("fields", "message", "notes")))
    call.form("POST", "Conversions", **order(tracker))
    assert state(call, told["Id"])[1] == "recorded"
    action = Action.objects.get()
    assert (action.amount, action.reported) == (80, {"Text1": "kept"})


def test_retention_takes_what_waits_with_its_submission(tracker: ActionTracker) -> None:
    of_its_own, batch = record_waiting(tracker), record_waiting(tracker, "line")
    whole = Submission.objects.create(kind="batch", result="complete")
    Submission.objects.filter(pk=batch.pk).update(batch=whole)
    with connection.cursor() as cursor:
        cursor.execute(SUBMISSIONS.prune, {"ids": [of_its_own.pk, whole.pk]})
    assert (Submission.objects.count(), EarlyChange.objects.count()) == (0, 0)


def test_an_event_type_that_is_waited_for_is_not_deleted(root: Client, tracker: ActionTracker) -> None:
    record_waiting(tracker)
    page = root.get(f"/admin/partners/actiontracker/{tracker.pk}/delete/")
    assert "early change" in page.content.decode()
