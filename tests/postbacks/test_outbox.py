"""From recorded events to deliveries: what is written with them, and what is woken after their commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection, transaction

from actions.models import ActionEvent
from actions.recording.record import record
from actions.reports.report import parse_report
from postbacks.delivery import ready_queue
from postbacks.delivery.chains import promote
from postbacks.delivery.redis import client
from postbacks.models import Delivery, Postback
from tests.support.delivery_rows import OWNER, engine_connection, lane_scores, make_held, redis_that_is_gone
from tests.support.factories import (
    make_media_source,
    make_postback,
    make_report,
    record_action,
    record_change,
    recorded_event,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]


def states(lane: Postback) -> list[str]:
    return list(lane.deliveries.order_by("event_id").values_list("state", flat=True))


def woken() -> set[int]:
    return set(lane_scores())


def in_a_thread(work: Callable[[], object]) -> None:
    """Runs it on connections of its own, to its end."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001 -- raised below, where the test sees it
            problems.append(problem)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    if problems:
        raise problems[0]


def modification(event: ActionEvent, amount: str) -> ActionEvent:
    return record_change(event, "modified", Amount=amount)


def test_an_event_fires_each_matching_postback_once_and_wakes_its_lane(lane: Postback) -> None:
    second = make_postback(lane.action_tracker, make_media_source(), event_trigger="always")
    deaf = make_postback(lane.action_tracker, make_media_source(), event_trigger="changes")

    event = record_action(lane.action_tracker)

    rows = Delivery.objects.order_by("postback_id").values_list("postback_id", "event_id", "action_id", "state")
    assert list(rows) == [(one.pk, event.pk, event.action_id, "ready") for one in (lane, second)]
    delivery = lane.deliveries.get()
    assert delivery.due_at == delivery.created_at
    assert (delivery.attempts_made, delivery.reason, delivery.finished_at, delivery.owner) == (0, "", None, None)
    assert woken() == {lane.pk, second.pk}
    assert not deaf.deliveries.exists()
    assert client.llen("postbacks") == 1, "one drain was posted"


def test_nothing_is_written_or_woken_where_nothing_fires(lane: Postback) -> None:
    Postback.objects.update(event_trigger="changes")
    record_action(lane.action_tracker)
    assert not Delivery.objects.exists()
    assert woken() == set()
    assert client.llen("postbacks") == 0


def test_a_deleted_postback_does_not_fire_and_a_paused_one_collects(lane: Postback) -> None:
    deleted = make_postback(lane.action_tracker, make_media_source(), deleted_at=lane.created_at)
    Postback.objects.filter(pk=lane.pk).update(paused_at=lane.created_at)
    record_action(lane.action_tracker)
    assert states(lane) == ["ready"]
    assert not deleted.deliveries.exists()


def test_a_recording_that_is_undone_leaves_no_delivery_and_wakes_nobody(lane: Postback) -> None:
    with transaction.atomic():
        record_action(lane.action_tracker)
        assert Delivery.objects.count() == 1
        assert woken() == set(), "before the commit nobody is woken"
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
    assert woken() == set()


def test_the_minimum_delay_counts_from_the_recording(lane: Postback) -> None:
    Postback.objects.update(minimum_delay_seconds=90)
    record_action(lane.action_tracker)
    delivery = lane.deliveries.get()
    assert delivery.state == "ready"
    assert delivery.due_at - delivery.created_at == timedelta(seconds=90)
    assert delivery.due_at - delivery.event.recorded_at >= timedelta(seconds=90)
    assert 88 <= lane_scores()[lane.pk] <= 90


def test_a_later_event_of_an_action_waits_for_the_earlier_and_other_actions_do_not(lane: Postback) -> None:
    event = record_action(lane.action_tracker)
    modification(event, "10")
    modification(event, "20")
    record_action(lane.action_tracker)
    assert states(lane) == ["ready", "blocked", "blocked", "ready"]


@pytest.mark.parametrize("state", ["delivered", "failed", "cancelled"])
def test_an_earlier_one_that_has_finished_blocks_nothing(lane: Postback, state: str) -> None:
    event = record_action(lane.action_tracker)
    Delivery.objects.update(state=state)
    modification(event, "10")
    assert states(lane) == [state, "ready"]


def test_one_postbacks_waiting_delivery_does_not_block_another_postback(lane: Postback) -> None:
    event = record_action(lane.action_tracker)
    late = make_postback(lane.action_tracker, make_media_source())
    modification(event, "10")
    assert (states(lane), states(late)) == (["ready", "blocked"], ["ready"])


def test_of_one_batch_only_the_first_of_each_action_is_ready(lane: Postback) -> None:
    event = record_action(lane.action_tracker)
    Delivery.objects.all().delete()
    change = {"Event": "modified", "ActionId": event.action.action_id}
    outcomes = record(
        [
            parse_report({**change, "Amount": "10"}),
            make_report(lane.action_tracker),
            parse_report({**change, "Amount": "20"}),
            parse_report({**change, "Amount": "30"}),
        ]
    )
    recorded = [recorded_event(outcome) for outcome in outcomes]
    by_event = dict(lane.deliveries.values_list("event_id", "state"))
    assert [by_event[one.pk] for one in recorded] == ["ready", "ready", "blocked", "blocked"]
    in_order = list(lane.deliveries.order_by("id").values_list("event_id", flat=True))
    assert in_order == sorted(one.pk for one in recorded), "ids rise with the events"


def test_more_rows_than_one_statement_takes_keep_the_order(lane: Postback) -> None:
    events = [recorded_event(one) for one in record([make_report(lane.action_tracker) for _ in range(501)])]
    Delivery.objects.all().delete()
    changes = [{"Event": "modified", "ActionId": event.action.action_id} for event in events]
    record([parse_report({**one, "Amount": amount}) for amount in ("10", "20") for one in changes])
    assert states(lane) == ["ready"] * 501 + ["blocked"] * 501


def test_a_predecessor_that_finishes_before_our_commit_leaves_nobody_blocked(lane: Postback) -> None:
    """The one who finishes it cannot see our row, and we have looked before it finished."""
    event = record_action(lane.action_tracker)
    Delivery.objects.all().delete()
    first = make_held(lane, event)
    client.flushdb()

    def finish_and_promote() -> None:
        with engine_connection() as other, other.cursor() as cursor:
            cursor.execute(
                "UPDATE postbacks_delivery SET state = 'delivered', owner = NULL, lease_until = NULL WHERE id = %s",
                [first.pk],
            )
            assert promote(cursor, [(lane.pk, event.action_id)]).due == {}, "our row is not there yet"

    with transaction.atomic():
        modification(event, "10")
        assert states(lane) == ["sending", "blocked"]
        in_a_thread(finish_and_promote)
    assert states(lane) == ["delivered", "ready"]
    assert woken() == {lane.pk}


def test_a_predecessor_that_is_still_on_its_way_keeps_its_successor_blocked(lane: Postback) -> None:
    event = record_action(lane.action_tracker)
    Delivery.objects.update(state="sending", owner=OWNER, lease_until=event.recorded_at)
    modification(event, "10")
    assert states(lane) == ["sending", "blocked"]


def test_a_lane_is_woken_for_what_it_had_before_if_that_is_due_earlier(lane: Postback) -> None:
    """A delay that was raised in between: the promoted one is due now, the new one in an hour."""
    event = record_action(lane.action_tracker)
    modification(event, "10")
    Postback.objects.update(minimum_delay_seconds=3600)
    lane.deliveries.filter(event=event).update(state="delivered")
    client.flushdb()
    modification(event, "20")
    assert states(lane) == ["delivered", "ready", "blocked"]
    assert ready_queue.take_due(10) == [lane.pk]


def test_reporters_of_one_action_at_once_leave_exactly_one_head(lane: Postback) -> None:
    event = record_action(lane.action_tracker)
    problems: list[BaseException] = []

    def report(amount: str) -> None:
        try:
            modification(event, amount)
        except BaseException as problem:  # noqa: BLE001 -- asserted below
            problems.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=report, args=(str(amount),)) for amount in range(10, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert problems == []
    assert states(lane) == ["ready"] + ["blocked"] * 8


def test_redis_out_of_reach_does_not_fail_the_reporter(
    lane: Postback, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_that_is_gone(monkeypatch):
        record_action(lane.action_tracker)
    assert states(lane) == ["ready"]
    assert "Could not wake 1 lanes" in caplog.text
    assert woken() == set()


def test_a_postback_listens_from_its_saving_to_its_deletion(lane: Postback) -> None:
    """What is kept of the postbacks between recordings is dropped when one changes."""
    record_action(lane.action_tracker)
    late = make_postback(lane.action_tracker, make_media_source())
    record_action(lane.action_tracker)
    Postback.objects.filter(pk=late.pk).update(event_trigger="changes")
    record_action(lane.action_tracker)
    Postback.objects.filter(pk=late.pk).update(event_trigger="always", deleted_at=late.created_at)
    record_action(lane.action_tracker)
    assert (lane.deliveries.count(), late.deliveries.count()) == (4, 1)
