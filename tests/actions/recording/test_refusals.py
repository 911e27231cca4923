"""One bad report costs one row: in a request, a batch, a file, the admin, and when actions mature."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django.db
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.models import Action, ActionEvent, Item, Submission
from actions.recording import maturing, taking
from actions.recording.action_state import ActionState
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult
from actions.reports.report import Report
from actions.reports.storable import storable
from actions.signals import action_events_recorded
from partners.models import ActionTracker
from tests.support.api import Caller, lines, results
from tests.support.factories import make_report, record_action, report_fields

pytestmark = pytest.mark.django_db

FAR_OFFSET = "2026-11-20T10:00:00-23:59"  # ISO 8601, and wider than PostgreSQL takes.


def unstorable(tracker: ActionTracker, order_id: str) -> Report:
    """A report as no reader lets it through; the database refuses it."""
    return make_report(tracker, OrderId=order_id)._replace(event_date=datetime.fromisoformat(FAR_OFFSET))


def deep(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def far_offset(fields: dict[str, Any]) -> None:
    fields["EventDate"] = FAR_OFFSET


def nested(fields: dict[str, Any]) -> None:
    fields["Whatever"] = deep(500)


def nested_id(fields: dict[str, Any]) -> None:
    fields["ActionId"] = deep(700)


def nested_item(fields: dict[str, Any]) -> None:
    fields["Items"] = [{"Sku": "A", "SubTotal": 1, "Colour": deep(500)}]


def nested_object(fields: dict[str, Any]) -> None:
    fields["Items"] = [{"Sku": {"a": {"b": deep(800)}}}]


def half_a_pair(fields: dict[str, Any]) -> None:
    fields["\ud800" + "x" * 200] = "\ud800\0"


def too_large(fields: dict[str, Any]) -> None:
    fields["Amount"] = "9" * 4000


POISONS = [far_offset, nested, nested_id, nested_item, nested_object, half_a_pair, too_large]


def poisoned(tracker: ActionTracker, poison: Any, order_id: str = "bad") -> dict[str, Any]:
    fields = report_fields(tracker, OrderId=order_id, Amount="5")
    poison(fields)
    return fields


@pytest.fixture
def call() -> Caller:
    return Caller()


@pytest.mark.parametrize("poison", POISONS)
def test_a_bad_line_of_a_batch_leaves_the_others_recorded(call: Caller, tracker: ActionTracker, poison: Any) -> None:
    good = [report_fields(tracker, OrderId=f"o-{number}", Amount="5") for number in range(7)]
    sent = lines(*good[:3], poisoned(tracker, poison), *good[3:])
    told = results(call("POST", "Conversions/Batch", sent, form="application/x-ndjson"))
    refused = [each for each in told if each["Result"] != "recorded"]
    assert {each["Line"] for each in refused} <= {4}
    assert Action.objects.filter(order_id__startswith="o-").count() == 7
    for each in refused:
        kept = call("GET", f"APISubmissions/{each['Submission']}").json()
        assert (kept["Result"], kept["ErrorReason"]) == ("rejected", "MALFORMED")
        assert kept["Message"]


@pytest.mark.parametrize("poison", POISONS)
def test_a_bad_report_alone_is_refused_and_kept(call: Caller, tracker: ActionTracker, poison: Any) -> None:
    response = call.json("POST", "Conversions", **poisoned(tracker, poison))
    assert response.status_code in (200, 400), response.content
    submission = Submission.objects.first()
    if submission is None:  # A body that nests too deeply is no report.
        assert "nests lists and objects more than" in response.json()["Message"]
        return
    if response.status_code == 400:
        assert (submission.result, submission.reason_code) == ("rejected", "MALFORMED")
        assert response.json()["errors"][0]["code"] == "MALFORMED"
        call_command_again(submission)
        assert Submission.objects.get().result == "rejected"


def call_command_again(submission: Submission) -> None:
    call_command("process_submissions", str(submission))


@pytest.mark.parametrize("poison", POISONS)
def test_a_bad_line_of_a_file_leaves_the_others_recorded(
    tracker: ActionTracker, tmp_path: Path, poison: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [report_fields(tracker, OrderId=f"o-{number}", Amount="5") for number in range(3)]
    path = tmp_path / "sales.jsonl"
    path.write_text(lines(good[0], poisoned(tracker, poison), *good[1:]))
    try:
        call_command("import_actions", str(path), jobs=1)
    except CommandError as error:
        assert str(error) == "1 of the lines were rejected."  # noqa: PT017 -- some are recorded with a note
        assert "Line 2: MALFORMED" in capsys.readouterr().err
    assert Action.objects.filter(order_id__startswith="o-").count() == 3


def test_a_bad_line_that_is_pasted_leaves_the_others_recorded(root: Client, tracker: ActionTracker) -> None:
    good, another = (report_fields(tracker, OrderId=f"o-{number}", Amount="5") for number in range(2))
    page = root.post(
        "/admin/actions/action/report/",
        {"text": lines(good, poisoned(tracker, far_offset), another), "record": "1"},
    )
    assert page.status_code == 200
    assert "MALFORMED" in page.content.decode()
    assert set(Action.objects.values_list("order_id", flat=True)) == {"o-0", "o-1"}


def test_reports_about_one_order_stay_in_order_around_a_bad_one(tracker: ActionTracker) -> None:
    first = make_report(tracker, OrderId="o-1", Amount="5")
    bad = unstorable(tracker, "bad")
    change = make_report(tracker, OrderId="o-1", Event="modified", Amount="3", EventDate=None, CampaignId=None)
    told = record([first, bad, bad, change])
    assert [type(each) for each in told] == [Recorded, RejectedResult, RejectedResult, Recorded]
    assert str(Action.objects.get().amount) == "3.00"
    assert list(ActionEvent.objects.order_by("id").values_list("kind", flat=True)) == ["created", "modified"]


def test_what_refuses_is_logged_in_one_line_without_its_values(
    tracker: ActionTracker, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [unstorable(tracker, f"secret-{number}") for number in range(5)]
    with caplog.at_level(logging.INFO):
        record([*bad, make_report(tracker)])
    (entry,) = [each for each in caplog.records if each.name.startswith("actions")]
    assert entry.getMessage() == "5 of 6 reports cannot be stored and are refused; the first: DataError 22009."
    assert entry.exc_info is None


def test_a_database_that_fails_refuses_nobody(tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise django.db.OperationalError("gone")

    monkeypatch.setattr(taking, "store", fail)
    with pytest.raises(django.db.OperationalError):
        record([make_report(tracker), make_report(tracker)])
    assert not Action.objects.exists()


def test_what_follows_a_recording_is_not_the_reports_fault(tracker: ActionTracker) -> None:
    def fail(_: object) -> None:
        raise ValueError("of the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        record([make_report(tracker)], also=fail)
    assert not Action.objects.exists()


def test_a_receiver_that_refuses_one_event_costs_that_report(tracker: ActionTracker) -> None:
    def receive(events: list[ActionEvent], **_: Any) -> None:
        if any(event.action.order_id == "bad" for event in events):
            raise RecursionError

    action_events_recorded.connect(receive)
    try:
        told = record([make_report(tracker, OrderId=order_id) for order_id in ("a", "b", "bad", "c")])
    finally:
        action_events_recorded.disconnect(receive)
    assert [isinstance(each, Recorded) for each in told] == [True, True, False, True]
    assert told[2] == RejectedResult(
        "MALFORMED", "The report cannot be stored: it is nested too deeply. Correct it and send it again."
    )


def test_an_action_that_cannot_be_stored_does_not_keep_others_from_locking(
    tracker: ActionTracker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = [record_action(tracker).action for _ in range(5)]
    bad = actions[2].pk
    Item.objects.create(action=actions[2], position=1, sku="A")
    Action.objects.update(locking_date=timezone.now() - timedelta(days=1))
    become = ActionState.become

    def refused(state: Any, *arguments: Any) -> ActionEvent:
        event = become(state, *arguments)
        if state.action.pk == bad:
            event.parameters["Note"] = "\ud800"
        return event

    monkeypatch.setattr(ActionState, "become", refused)
    assert maturing.mature(60) == 4
    assert list(Action.objects.filter(status=Action.Status.PENDING)) == [actions[2]]
    (entry,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert f"the first, {bad}" in entry.getMessage()
    monkeypatch.undo()
    assert maturing.mature(60) == 1  # The next look finds it again.


def test_an_action_that_meets_an_error_of_ours_does_not_keep_others_from_locking(
    tracker: ActionTracker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = [record_action(tracker).action for _ in range(5)]
    bad = actions[2].pk
    Action.objects.update(locking_date=timezone.now() - timedelta(days=1))
    become = ActionState.become

    def mistaken(state: Any, *arguments: Any) -> ActionEvent:
        if state.action.pk == bad:
            raise KeyError("nothing foresees this")
        return become(state, *arguments)

    monkeypatch.setattr(ActionState, "become", mistaken)
    assert maturing.mature(60) == 4
    assert list(Action.objects.filter(status=Action.Status.PENDING)) == [actions[2]]
    (entry,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert entry.getMessage() == f"1 actions cannot be locked or cleared; the first, {bad}: KeyError."
    assert "nothing foresees this" in (entry.exc_text or "")
    monkeypatch.undo()
    assert maturing.mature(60) == 1


KNOWN = """EventDate OrderId Amount Items ItemSku1 ItemSubTotal1 Quantity ActionId Money1 Date1 Numeric1
MediaSourceIds MediaPartnerId CurrencyCode Event Reason Text1 CustomerId Note"""
NAMES = st.sampled_from(KNOWN.split())
ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**30), "1e400", "NaN", "0001-01-01", "9999-12-31T23:59:59-23:59", "x" * 5000])
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
    | ANY_TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3))
DEEP = st.builds(deep, st.sampled_from([20, 300, 900]), SCALARS)
REPORTS = st.dictionaries(NAMES | ANY_TEXT, VALUES | DEEP, max_size=6)


@given(spoilt=st.lists(REPORTS, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_in_a_batch_the_other_lines_are_recorded(tracker: ActionTracker, spoilt: list[Any]) -> None:
    call = Caller()
    marks = [f"mark-{Action.objects.count()}-{place}" for place in range(2)]
    good = [report_fields(tracker, OrderId=mark, Amount="5") for mark in marks]
    bad = [{**report_fields(tracker), **fields} for fields in spoilt]
    sent = lines(good[0], *bad, good[1])
    key = {"Idempotency-Key": marks[0]}  # So what is told of each line is stored too.
    told = results(call("POST", "Conversions/Batch", sent, form="application/x-ndjson", **key))
    assert [each["Line"] for each in told] == list(range(1, len(bad) + 3))
    assert (told[0]["Result"], told[-1]["Result"]) == ("recorded", "recorded")
    assert Action.objects.filter(order_id__in=marks).count() == 2


@given(fields=st.dictionaries(ANY_TEXT, VALUES | DEEP, max_size=5))
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_refused_can_be_kept(fields: dict[str, Any]) -> None:
    kept = storable(fields)
    submission = Submission.objects.create(kind="batch", result="rejected", fields=kept)
    submission.refresh_from_db()
    assert submission.fields == json.loads(json.dumps(kept))
