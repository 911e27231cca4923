"""What belongs together stays together without foreign keys: actions that have events, events that have deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections, transaction

from actions.models import Action, ActionEvent, Item
from actions.recording.record import record
from actions.recording.results import RejectedResult, Result
from actions.reports.report import parse_report
from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback
from postbacks.replay.send_anyway import send_anyway
from tests.support.by_hand import delete_row
from tests.support.factories import make_term, make_tracker, record_action, recorded_event
from tests.support.locks import waiting_for_locks
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = [{"Sku": "X", "SubTotal": "1"}]


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Another connection."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
        executor.submit(connections.close_all).result()


def change(action: Action) -> Result:
    (result,) = record(
        [parse_report({"Event": "modified", "ActionId": action.action_id, "Items": ITEMS})], keep_early=False
    )
    return result


def without_events(event: ActionEvent) -> Action:
    """The action of `event`, of which nothing else is left."""
    event.deliveries.all().delete()
    ActionEvent.objects.filter(pk=event.pk).delete()
    return event.action


def is_waited_for() -> bool:
    return bool(waiting_for_locks())


def must_be_refused(deleting: Future[None]) -> None:
    with pytest.raises(IntegrityError, match="cannot be deleted"):
        deleting.result(20)


@pytest.mark.parametrize("left", ["events", "lines"])
def test_an_action_that_has_events_or_lines_is_not_deleted(tracker: ActionTracker, left: str) -> None:
    action = record_action(tracker, Items=ITEMS).action
    (ActionEvent if left == "lines" else Item).objects.all().delete()
    with pytest.raises(IntegrityError, match="has lines or events"):
        delete_row("actions_action", action.pk)
    assert Action.objects.filter(pk=action.pk).exists()


def test_an_event_that_has_deliveries_is_not_deleted(
    tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    event = record_action(tracker, partner)
    with pytest.raises(IntegrityError, match="has deliveries"):
        delete_row("actions_actionevent", event.pk)
    assert ActionEvent.objects.filter(pk=event.pk).exists()


def test_what_has_nothing_is_deleted_but_not_where_new_rows_are_not_seen(tracker: ActionTracker) -> None:
    action = without_events(record_action(tracker))
    with pytest.raises(IntegrityError):
        delete_row("actions_action", action.pk, isolation="REPEATABLE READ")
    delete_row("actions_action", action.pk)
    assert not Action.objects.exists()


def test_an_action_that_is_being_changed_is_not_deleted(tracker: ActionTracker, beside: ThreadPoolExecutor) -> None:
    action = without_events(record_action(tracker))
    with transaction.atomic():
        event = recorded_event(change(action))
        deleting = beside.submit(delete_row, "actions_action", action.pk)
        wait_until(is_waited_for, 10, "the deletion waits")
    must_be_refused(deleting)
    assert ActionEvent.objects.get().pk == event.pk
    assert Item.objects.get().action == action


def test_a_change_of_an_action_that_is_being_deleted_is_refused(
    tracker: ActionTracker, beside: ThreadPoolExecutor
) -> None:
    action = without_events(record_action(tracker))
    changing: list[Future[Result]] = []

    def meanwhile() -> None:
        changing.append(beside.submit(change, action))
        wait_until(is_waited_for, 10, "the change waits")

    delete_row("actions_action", action.pk, then=meanwhile)
    assert isinstance(changing[0].result(20), RejectedResult)
    assert not ActionEvent.objects.exists()
    assert not Item.objects.exists()


@pytest.fixture
def unsent(partner: Partner) -> tuple[ActionEvent, Postback]:
    """An event without deliveries, and a postback for it."""
    tracker = make_tracker()
    make_term(tracker, partner)
    event = record_action(tracker, partner)
    return event, Postback.objects.create(
        partner=partner, action_tracker=tracker, name="later", url="https://r.example/"
    )


def test_an_event_that_is_being_sent_is_not_deleted(
    unsent: tuple[ActionEvent, Postback], beside: ThreadPoolExecutor
) -> None:
    event, postback = unsent
    with transaction.atomic():
        made = send_anyway(event, postback.pk)
        deleting = beside.submit(delete_row, "actions_actionevent", event.pk)
        wait_until(is_waited_for, 10, "the deletion waits")
    must_be_refused(deleting)
    assert Delivery.objects.get(event=event).pk == made


def test_an_event_that_is_being_deleted_is_not_sent(
    unsent: tuple[ActionEvent, Postback], beside: ThreadPoolExecutor
) -> None:
    event, postback = unsent
    sending: list[Future[int | None]] = []

    def meanwhile() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # As at the commit, which holds the row for a moment only.
        sending.append(beside.submit(send_anyway, event, postback.pk))
        wait_until(is_waited_for, 10, "the sending waits")

    delete_row("actions_actionevent", event.pk, then=meanwhile)
    assert sending[0].result(20) is None
    assert not Delivery.objects.exists()
