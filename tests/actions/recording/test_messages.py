"""Messages to PostgreSQL: how few a report takes, and what becomes of statements that were put off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import django.db
import pytest
from django.db import connection, transaction

from actions.models import Action, ActionEvent, Item, Submission
from actions.recording.messages import Messages, few_messages, put_off, send
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Result
from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback
from tests.support.counted_messages import counted
from tests.support.factories import make_report, record_change, recorded_event

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = [{"Sku": "X", "SubTotal": "1"}, {"Sku": "Y", "SubTotal": "2"}]
RENAME = "UPDATE partners_actiontracker SET name = %s"


class TakeBackError(Exception):
    """Ends a block as if it had failed."""


@contextmanager
def taken_back(within: AbstractContextManager[Any]) -> Iterator[None]:
    with pytest.raises(TakeBackError), within:  # noqa: PT012 -- what raises it is the end of the block
        yield
        raise TakeBackError


def keep(results: list[Result]) -> None:
    """As the API does, of each report."""
    Submission.objects.bulk_create(Submission(kind="conversion", result="recorded") for _ in results)


@pytest.mark.parametrize("number", [1, 3], ids=["one", "three"])
def test_new_orders_take_a_question_and_an_answer(
    tracker: ActionTracker, partner: Partner, postback: Postback, number: int
) -> None:
    record([make_report(tracker, partner)])  # What is kept of the set-up is read now.
    with counted() as messages:
        record([make_report(tracker, partner, Items=ITEMS) for _ in range(number)])
        assert len(messages) == 2, messages
        record([make_report(tracker, partner, Items=ITEMS) for _ in range(number)], also=keep)
        assert len(messages) == 5, messages[2:]
    assert messages[0].startswith("BEGIN; ")
    assert messages[1].endswith("; COMMIT")
    assert (ActionEvent.objects.count(), Delivery.objects.count()) == (1 + 2 * number, 1 + 2 * number)
    assert (Item.objects.count(), Submission.objects.count()) == (4 * number, number)


def test_what_the_caller_puts_off_takes_no_message(tracker: ActionTracker, partner: Partner) -> None:
    record([make_report(tracker, partner)])
    rename = lambda *_: put_off("UPDATE actions_item SET name = %s", ["told"])  # noqa: E731 -- twice the same, with and without results
    with counted() as messages:
        record([make_report(tracker, partner, Items=ITEMS)], first=rename, also=rename)
    assert len(messages) == 2, messages
    assert messages[0].startswith("BEGIN; ")
    assert "; UPDATE actions_item" in messages[0]
    assert set(Item.objects.values_list("name", flat=True)) == {"told"}


def test_what_was_written_first_is_written_again_where_all_begins_anew(tracker: ActionTracker) -> None:
    bad = make_report(tracker)
    bad = bad._replace(event_code="x" * 101)  # Longer than its column.
    called: list[int] = []

    def first() -> None:
        called.append(Submission.objects.create(kind="conversion", result="recorded").pk)

    told = record([make_report(tracker), bad], first=first)
    assert [type(each) for each in told] == [Recorded, RejectedResult]
    assert list(Submission.objects.values_list("pk", flat=True)) == called[1:]
    assert len(called) == 2


def test_many_new_orders_take_as_few_as_some(tracker: ActionTracker, partner: Partner, postback: Postback) -> None:
    record([make_report(tracker, partner)])
    with counted() as messages:
        for number in (20, 60):
            record([make_report(tracker, partner, Items=ITEMS) for _ in range(number)])
    # A question, three times COPY, deliveries with COMMIT.
    assert len(messages) == 10, messages
    assert Delivery.objects.count() == 81


def test_a_report_that_comes_again_writes_nothing(tracker: ActionTracker) -> None:
    report = make_report(tracker)
    record([report])
    with counted() as messages:
        record([report])
    assert len(messages) == 3, messages  # It is looked for, read, and that is all.


def test_a_change_takes_ten(tracker: ActionTracker, partner: Partner, postback: Postback) -> None:
    event = recorded_event(record([make_report(tracker, partner, Items=ITEMS)])[0])
    with counted() as messages:
        record_change(event, "modified", Items=[{"Sku": "X", "SubTotal": "3"}])
    assert len(messages) <= 10, messages


def test_nothing_is_sent_for_nothing() -> None:
    with counted() as messages:
        with few_messages(Messages()):
            pass
        with taken_back(few_messages(Messages())):
            pass
    assert messages == []


def test_what_is_put_off_is_there_for_the_next_question_and_gone_with_the_transaction(tracker: ActionTracker) -> None:
    with taken_back(few_messages(Messages())):
        put_off(RENAME, ["100 % new"])
        assert ActionTracker.objects.get().name == "100 % new"
    assert ActionTracker.objects.get() == tracker
    assert ActionTracker.objects.get().name == "Online Sale"


def test_a_savepoint_takes_back_only_its_own(tracker: ActionTracker) -> None:
    with few_messages(Messages()):
        put_off(RENAME, ["before"])
        with taken_back(transaction.atomic()):
            put_off(RENAME, ["within"])
        with transaction.atomic():
            put_off("UPDATE partners_program SET name = %s", ["kept"])
    tracker.refresh_from_db()
    assert (tracker.name, tracker.program.name) == ("before", "kept")


def test_within_a_transaction_it_is_a_savepoint(tracker: ActionTracker) -> None:
    with transaction.atomic():
        with few_messages(Messages()):
            put_off(RENAME, ["kept"])
        with taken_back(few_messages(Messages())):
            put_off(RENAME, ["gone"])
    tracker.refresh_from_db()
    assert tracker.name == "kept"


def test_elsewhere_nothing_is_put_off(tracker: ActionTracker) -> None:
    put_off(RENAME, ["now"])
    send()
    tracker.refresh_from_db()
    assert tracker.name == "now"


def test_what_the_server_refuses_at_the_end_is_raised_and_the_connection_goes_on(tracker: ActionTracker) -> None:
    with pytest.raises(django.db.DataError), few_messages(Messages()):  # noqa: PT012 -- the end of the block raises it
        put_off(RENAME, ["kept?"])
        put_off("SELECT 1 / %s", [0])
    assert connection.get_autocommit()
    tracker.refresh_from_db()
    assert tracker.name == "Online Sale"


def test_a_connection_that_breaks_is_replaced_and_nothing_is_there(tracker: ActionTracker) -> None:
    with pytest.raises(django.db.OperationalError), few_messages(Messages()):  # noqa: PT012 -- as above
        put_off(RENAME, ["gone"])
        put_off("SELECT pg_terminate_backend(pg_backend_pid())")
    tracker.refresh_from_db()
    assert tracker.name == "Online Sale"


def test_a_report_that_cannot_be_stored_costs_itself_also_where_the_caller_writes(tracker: ActionTracker) -> None:
    """What refuses it is found in the message of the caller's own statement."""
    good, bad = make_report(tracker, OrderId="good"), make_report(tracker, OrderId="x" * 255, Text1="5")
    bad = bad._replace(event_code="x" * 101)  # Longer than its column.
    told = record([good, bad], also=keep)
    assert [type(each) for each in told] == [Recorded, RejectedResult]
    assert Submission.objects.count() == 2
    assert list(Action.objects.values_list("order_id", flat=True)) == ["good"]


def test_a_statement_of_the_caller_that_is_refused_takes_all_back(tracker: ActionTracker) -> None:
    def fail(_: list[Result]) -> None:
        put_off("SELECT 1 / %s", [0])

    with pytest.raises(django.db.DataError):
        record([make_report(tracker), make_report(tracker)], also=fail)
    assert not Action.objects.exists()


def test_a_new_action_is_as_it_is_read(tracker: ActionTracker, partner: Partner) -> None:
    event = recorded_event(record([make_report(tracker, partner, Items=ITEMS)])[0])
    assert event.action.get_deferred_fields() == set()
    stored = Action.objects.get()
    for field in Action._meta.concrete_fields:
        assert getattr(event.action, field.attname) == getattr(stored, field.attname), field
    assert (event.pk, event.recorded_at) == ActionEvent.objects.values_list("pk", "recorded_at").get()
