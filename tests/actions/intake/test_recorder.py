"""What was answered is recorded once and in its order, whoever records it and whatever is in the way."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.intake import queue
from actions.intake.catch_up import take_left, wait_for_queued
from actions.intake.reading import is_sound
from actions.intake.recorder import record_queued
from actions.models import Action, ActionEvent, ApiToken, QueuedReport, Submission
from actions.recording.tables import ROWS_TO_COPY
from actions.recording.taking import Recording
from actions.reports.rejected import Rejected
from actions.reports.report import Report, parse_report
from partners.models import ActionTracker
from tests.support.factories import make_tracker, report_fields
from tests.support.queued import grow_old, queued

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token() -> ApiToken:
    return create_token("shop")[0]


@pytest.fixture
def tracker() -> ActionTracker:
    return make_tracker()


def order(tracker: ActionTracker, order_id: str = "o-1", amount: str = "100") -> dict[str, Any]:
    return {**report_fields(tracker), "OrderId": order_id, "Amount": amount}


def change(tracker: ActionTracker, order_id: str = "o-1", amount: str = "80") -> dict[str, Any]:
    return {"ActionTrackerId": tracker.pk, "OrderId": order_id, "Amount": amount}


def results() -> list[tuple[str, str]]:
    return list(Submission.objects.order_by("id").values_list("result", "reason_code"))


def test_a_group_is_recorded_in_its_order_and_leaves_the_queue(token: ApiToken, tracker: ActionTracker) -> None:
    group = [
        queued(token, "conversion", **order(tracker)),
        queued(token, "change", **change(tracker)),
        queued(token, "conversion", **order(tracker)),
        queued(token, "reversal", **change(tracker, amount="")),
    ]
    record_queued(group)
    assert [result for result, _ in results()] == ["recorded", "recorded", "repeated", "recorded"]
    assert results()[2][1] == "CONV_DUPLICATE"
    assert list(ActionEvent.objects.order_by("id").values_list("kind", flat=True)) == [
        "created",
        "modified",
        "reversed",
    ]
    assert list(Submission.objects.order_by("id").values_list("pk", flat=True)) == [each.id for each in group]
    assert not QueuedReport.objects.exists()


@pytest.mark.parametrize("number", [ROWS_TO_COPY - 1, ROWS_TO_COPY], ids=["as values", "by COPY"])
def test_few_and_many_are_kept_alike(token: ApiToken, tracker: ActionTracker, number: int) -> None:
    odd = {"OrderId": "tab\tand \\N", "Unheard": "\\ and\nline", "Amount": 10**40}
    group = [queued(token, "conversion", **{**order(tracker), **odd})]
    group += [queued(token, "conversion", **order(tracker, f"o-{each}")) for each in range(number - 1)]
    record_queued(group)
    first, *others = Submission.objects.order_by("id")
    assert (first.result, first.reason_code, first.order_id) == ("rejected", "MALFORMED", odd["OrderId"])
    assert first.fields == {**order(tracker), **odd}
    assert [(each.pk, each.result, each.order_id) for each in others] == [
        (each.id, "recorded", f"o-{place}") for place, each in enumerate(group[1:])
    ]
    assert {(each.token_id, each.kind, str(each.notes), str(each.fields)) for each in others} == {
        (token.pk, "conversion", "[]", "{}")
    }
    assert [each.action_id for each in others] == list(Action.objects.order_by("id").values_list("pk", flat=True))
    assert [each.received_at for each in others] == [each.received_at for each in group[1:]]


@pytest.mark.parametrize("way", ["queued", "at once"])
def test_a_change_finds_the_order_that_another_process_has_not_recorded_yet(
    token: ApiToken, tracker: ActionTracker, way: str
) -> None:
    made = queued(token, "conversion", **order(tracker))
    if way == "queued":
        record_queued([queued(token, "change", **change(tracker))])
    else:
        submit(token, "change", change(tracker))
    assert [result for result, _ in results()] == ["recorded", "recorded"]
    assert Action.objects.get().amount == 80
    assert record_queued([made]) == {}  # Its own process comes too late.
    assert Action.objects.count() == 1


def test_changes_of_one_action_keep_their_order_however_they_name_it(token: ApiToken, tracker: ActionTracker) -> None:
    submit(token, "conversion", order(tracker))
    by_order = queued(token, "change", **change(tracker, amount="80"))
    by_action = queued(token, "change", ActionId=Action.objects.get().action_id, Amount="60")
    record_queued([by_action])
    assert record_queued([by_order]) == {}
    assert Action.objects.get().amount == 60
    assert [row["parameters"]["Amount"] for row in ActionEvent.objects.order_by("id").values("parameters")] == [
        "100.00",
        "80.00",
        "60.00",
    ]


def test_two_processes_that_record_the_same_record_it_once(token: ApiToken, tracker: ActionTracker) -> None:
    rounds = 12
    submit(token, "conversion", order(tracker, amount="100"))
    delta = {**change(tracker, amount=""), "Items": [{"Sku": "A", "SubTotal": "1", "QuantityDelta": 1}]}
    groups = [
        [queued(token, "change", **delta), queued(token, "conversion", **order(tracker, f"x-{each}"))]
        for each in range(rounds)
    ]

    def run() -> None:
        try:
            for group in groups:
                record_queued(group)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(run) for _ in range(2)]:
            done.result()
    assert Counter(result for result, _ in results()) == {"recorded": 1 + 2 * rounds}
    assert not QueuedReport.objects.exists()


def test_what_the_database_refuses_costs_itself_only(
    token: ApiToken, tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = [queued(token, "conversion", **order(tracker, f"o-{each}")) for each in range(3)]
    report = group[1].report
    assert isinstance(report, Report)
    group[1].report = report._replace(parameters={"Text1": "\0"})  # As no check has foreseen.
    record_queued(group)
    assert [result for result, _ in results()] == ["recorded", "rejected", "recorded"]


def test_what_an_error_of_ours_meets_stays_queued_and_holds_no_other(
    token: ApiToken, tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take = Recording.take

    def fail(recording: Recording, report: Report | Rejected) -> None:
        if isinstance(report, Report) and report.order_id == "o-1":
            raise KeyError("a mistake")
        take(recording, report)

    monkeypatch.setattr(Recording, "take", fail)
    group = [queued(token, "conversion", **order(tracker, f"o-{each}")) for each in range(3)]
    assert set(record_queued(group)) == {group[0], group[2]}
    assert f"1 of 3 reports cannot be recorded and stay queued: A-{group[1].id}." in caplog.text
    assert "a mistake" in caplog.text
    queued(token, "change", **change(tracker, "o-1"))
    queued(token, "conversion", **order(tracker, "o-3"))
    grow_old()
    take_left(5)
    assert set(Action.objects.values_list("order_id", flat=True)) == {"o-0", "o-2", "o-3"}
    assert QueuedReport.objects.count() == 2, "a change waits for its order"

    monkeypatch.undo()
    take_left(5)
    assert not QueuedReport.objects.exists()
    events = ActionEvent.objects.filter(action__order_id="o-1").order_by("id")
    assert [event.kind for event in events] == ["created", "modified"]


def test_a_locked_row_holds_only_its_own_report_which_is_tried_again(token: ApiToken, tracker: ActionTracker) -> None:
    submit(token, "conversion", order(tracker, "held"))
    with ThreadPoolExecutor(1) as other:

        def record_beside() -> None:
            try:
                record_queued(
                    [
                        queued(token, "change", **change(tracker, "held")),
                        queued(token, "conversion", **order(tracker, "free")),
                        queued(token, "change", **change(tracker, "held", "70")),
                    ]
                )
            finally:
                connections.close_all()

        with transaction.atomic():
            Action.objects.select_for_update().get(order_id="held")
            other.submit(record_beside).result(20)
        assert set(Action.objects.values_list("order_id", flat=True)) == {"held", "free"}
        assert QueuedReport.objects.count() == 2
    take_left(5)
    assert QueuedReport.objects.count() == 2  # They may still be with their process.
    grow_old()
    take_left(5)
    assert not QueuedReport.objects.exists()
    assert Action.objects.get(order_id="held").amount == 70


def test_what_a_killed_process_has_answered_is_recorded_by_another(token: ApiToken, tracker: ActionTracker) -> None:
    fields = {**order(tracker), "Note": "São 😀", "Items": [{"Sku": "A", "SubTotal": "5.10"}]}
    taken = queued(token, "conversion", **fields)
    grow_old()
    assert take_left(5) == 1
    submission = Submission.objects.get(pk=taken.id or 0)
    assert (submission.result, submission.token_id, submission.received_at) == ("recorded", token.pk, taken.received_at)
    assert Action.objects.get().reported["Note"] == "São 😀"


def test_a_narrowed_token_stays_narrow_when_another_process_records(tracker: ActionTracker) -> None:
    token, _ = create_token("shop", programs=[tracker.program_id])
    taken = queued(token, "conversion", **order(tracker))
    (read,) = queue.of_orders(["o-1"])
    assert read.report == taken.report


def test_reading_waits_only_for_what_is_young(token: ApiToken, tracker: ActionTracker) -> None:
    taken = queued(token, "conversion", **order(tracker))
    with ThreadPoolExecutor(1) as other:

        def record_beside() -> None:
            try:
                record_queued([taken])
            finally:
                connections.close_all()

        recording = other.submit(record_beside)
        wait_for_queued()
        assert not QueuedReport.objects.exists()
        recording.result()
    queued(token, "conversion", **order(tracker, "o-2"))
    grow_old()
    wait_for_queued()
    assert QueuedReport.objects.count() == 1


def test_the_order_is_looked_up_in_an_index(token: ApiToken, tracker: ActionTracker) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queue.CLAIM.statement}", ([1], ["o"], 1, [1]))
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "queued_report_order" in plan


NOT_SOUND = {
    "a code": {"EventTypeCode": "SALE"},
    "a discount": {"Amount": "10", "OrderDiscount": "1"},
    "two totals": {"Amount": "10", "OrderSubTotalPostDiscount": "9"},
    "much money": {"Amount": "1000000000"},
    "a discount of an item": {"Items": [{"Sku": "A", "SubTotal": "5", "TotalDiscount": "1"}]},
    "two figures of an item": {"Items": [{"Sku": "A", "SubTotal": "5", "Amount": "4"}]},
    "a price": {"Items": [{"Sku": "A", "Price": "5", "Quantity": 2}]},
    "a line without money": {"Amount": "1", "Items": [{"Sku": "A"}]},
}


@pytest.mark.parametrize("more", [pytest.param(more, id=name) for name, more in NOT_SOUND.items()])
def test_what_may_contradict_itself_is_judged_before_it_is_answered(more: dict[str, Any]) -> None:
    plain = {"CampaignId": 1, "ActionTrackerId": 2, "EventDate": "NOW", "OrderId": "o"}
    assert is_sound(parse_report({**plain, "Amount": "10"}))
    assert is_sound(parse_report({**plain, "Items": [{"Sku": "A", "SubTotal": "5", "Quantity": 2}]}))
    assert not is_sound(parse_report({**plain, **more}))
