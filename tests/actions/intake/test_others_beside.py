"""What is queued goes first, whoever records more of its order: other ways in, and processes of an earlier release."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from actions.api.submit import process_again, submit
from actions.api.tokens import create_token
from actions.imports.parts import Part
from actions.imports.record_part import record_part
from actions.intake.recorder import record_queued
from actions.models import Action, ActionEvent, ApiToken, QueuedReport, Submission
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Repeated, Result
from actions.recording.submissions import note_order, note_result
from actions.reports.report import Report, parse_report
from actions.tasks import take_early_changes
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.queued import grow_old, queued

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = "o-1"
TOLD_LATER = {
    "a change": ({"Amount": "60"}, ActionEvent.Kind.MODIFIED),
    "a reversal": ({}, ActionEvent.Kind.REVERSED),
    "the order again": ({"Amount": "60"}, ActionEvent.Kind.CREATED),
}


@pytest.fixture
def token() -> ApiToken:
    return create_token("shop")[0]


@pytest.fixture
def tracker() -> ActionTracker:
    return make_tracker()


def of_order(tracker: ActionTracker, **fields: Any) -> dict[str, Any]:
    return {**report_fields(tracker), "OrderId": ORDER, **fields}


def change(tracker: ActionTracker, **fields: Any) -> dict[str, Any]:
    return {"ActionTrackerId": tracker.pk, "OrderId": ORDER, **fields}


def amounts() -> list[str]:
    return [each["Amount"] for each in ActionEvent.objects.order_by("id").values_list("parameters", flat=True)]


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """A process that says nothing of the queue, as a thread."""
    monkeypatch.setattr("actions.recording.record.KNOWS_QUEUE", "SET LOCAL postbacks.knows_queue = 'no'")
    with ThreadPoolExecutor(1) as thread:
        yield thread
        thread.submit(connections.close_all).result()


def record_as_before(report: Report, token: ApiToken, kind: str) -> Result:
    """As the release before recorded what came by itself: with its submission, and without a look at the queue."""

    def keep(results: list[Result]) -> None:
        submission = Submission(token=token, kind=kind, received_at=timezone.now())
        note_order(submission, report, {})
        note_result(submission, results[0])
        submission.save()

    (result,) = record([report], also=keep, keep_early=False)
    return result


def is_turned_back() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("later", TOLD_LATER)
def test_an_older_process_records_after_what_is_queued(
    token: ApiToken,
    tracker: ActionTracker,
    older: ThreadPoolExecutor,
    known: bool,
    later: str,
) -> None:
    if known:
        submit(token, "conversion", of_order(tracker, Amount="100"))
        first = queued(token, "change", **change(tracker, Amount="80"))
    else:
        first = queued(token, "conversion", **of_order(tracker, Amount="80"))
    told, kind = TOLD_LATER[later]
    fields = of_order(tracker, **told) if kind == ActionEvent.Kind.CREATED else change(tracker, **told)
    sort = {"created": "conversion", "modified": "change", "reversed": "reversal"}[kind]
    report = parse_report(fields, now=timezone.now(), kind=kind)
    recording = older.submit(record_as_before, report, token, sort)
    if not (known and kind == ActionEvent.Kind.CREATED):  # That one changes nothing, whatever is queued.
        wait_until(is_turned_back, 10, "it waits")
        assert not recording.done()
    record_queued([first])
    result = recording.result(20)
    assert isinstance(result, Repeated if kind == ActionEvent.Kind.CREATED else Recorded)
    assert Action.objects.get().amount == {"a change": 60, "a reversal": 0, "the order again": 80}[later]
    assert amounts()[: known + 1] == ["100.00", "80.00"][not known :]


def test_an_older_process_waits_no_longer_than_something_may_be_in_the_way(
    token: ApiToken, tracker: ActionTracker, older: ThreadPoolExecutor
) -> None:
    queued(token, "conversion", **of_order(tracker))
    grow_old()
    report = parse_report(change(tracker, Amount="60"), now=timezone.now(), kind=ActionEvent.Kind.MODIFIED)
    assert isinstance(older.submit(record_as_before, report, token, "change").result(10), RejectedResult)


@pytest.mark.parametrize("later", ["a change", "a reversal"])
def test_an_older_process_begins_anew_if_the_order_was_recorded_after_it_looked(
    token: ApiToken, tracker: ActionTracker, older: ThreadPoolExecutor, later: str
) -> None:
    told, kind = TOLD_LATER[later]
    report = parse_report(change(tracker, **told), now=timezone.now(), kind=kind)
    first = queued(token, "conversion", **of_order(tracker, Amount="80"))
    looked: list[Result] = []

    def keep(results: list[Result]) -> None:
        if not looked:  # It has looked for the order, and is about to note that there is none.
            looked.append(results[0])
            with ThreadPoolExecutor(1) as another:
                another.submit(record_queued, [first]).result()
                another.submit(connections.close_all).result()
        submission = Submission(token=token, kind="change", received_at=timezone.now())
        note_order(submission, report, {})
        note_result(submission, results[0])
        submission.save()

    (result,) = older.submit(lambda: record([report], also=keep, keep_early=False)).result(20)
    assert isinstance(looked[0], RejectedResult)
    assert isinstance(result, Recorded)


def by_file(fields: dict[str, Any]) -> None:
    record_part(Part(0, [(1, {"Event": "MODIFIED", **fields})]), None)


def by_batch(fields: dict[str, Any]) -> None:
    body = json.dumps({"Event": "MODIFIED", **fields})
    answer = Caller()("POST", "Conversions/Batch", body, form="application/x-ndjson")
    assert b'"recorded"' in answer.getvalue()


def once_more(fields: dict[str, Any]) -> None:
    token, _ = create_token("another")
    refused = Submission.objects.create(
        token=token, kind="change", result="rejected", fields=fields, received_at=timezone.now()
    )
    assert process_again(refused) is None


@pytest.mark.parametrize("by_action", [False, True], ids=["by order", "by action"])
@pytest.mark.parametrize("record_by", [by_file, by_batch, once_more])
def test_another_way_in_records_what_was_answered_before(
    token: ApiToken, tracker: ActionTracker, record_by: Callable[[dict[str, Any]], None], by_action: bool
) -> None:
    submit(token, "conversion", of_order(tracker, Amount="100"))
    named = {"ActionId": Action.objects.get().action_id} if by_action else change(tracker)
    queued(token, "change", **change(tracker, Amount="80"))
    record_by({**named, "Amount": "60"})
    assert amounts() == ["100.00", "80.00", "60.00"]
    assert not QueuedReport.objects.exists()


def test_lines_of_a_batch_that_only_the_queue_knows_are_recorded_in_their_order(
    token: ApiToken, tracker: ActionTracker
) -> None:
    queued(token, "conversion", **of_order(tracker, Amount="100"))
    queued(token, "change", **change(tracker, Amount="80"))
    lines = [{"Event": "MODIFIED", **change(tracker, Amount=amount)} for amount in ("60", "40")]
    body = "\n".join(json.dumps(line) for line in lines)
    answer = Caller()("POST", "Conversions/Batch", body, form="application/x-ndjson")
    assert answer.getvalue().count(b'"recorded"') == 2
    assert amounts() == ["100.00", "80.00", "60.00", "40.00"]


def test_a_worker_records_what_a_process_has_left(token: ApiToken, tracker: ActionTracker) -> None:
    queued(token, "conversion", **of_order(tracker))
    grow_old()
    take_early_changes()
    assert Action.objects.get().order_id == ORDER
