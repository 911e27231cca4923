"""Actions refer to nothing that is gone, although they have no foreign keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from django.db import IntegrityError, connection, connections, transaction

from actions.models import Action
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Result
from actions.reports.report import Report
from partners.models import ActionTracker, Partner
from tests.support.by_hand import delete_row
from tests.support.factories import (
    make_partner,
    make_program,
    make_report,
    make_term,
    make_tracker,
    record_action,
)
from tests.support.locks import waiting_for_locks
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# As many are written by COPY.
SIZES = pytest.mark.parametrize("number", [1, 20], ids=["alone", "many"])


class Parent(NamedTuple):
    """A row that nothing but actions keeps from being deleted."""

    table: str
    pk: int
    tracker: ActionTracker
    partner: Partner | None

    def reports(self, number: int) -> list[Report]:
        return [make_report(self.tracker, self.partner) for _ in range(number)]


def event_type() -> Parent:
    tracker = make_tracker()
    return Parent("partners_actiontracker", tracker.pk, tracker, None)


def partner() -> Parent:
    found = make_partner()
    return Parent("partners_partner", found.pk, make_tracker(), found)


def term() -> Parent:
    tracker, found = make_tracker(), make_partner()
    return Parent("partners_contractterm", make_term(tracker, found).pk, tracker, found)


KINDS = pytest.mark.parametrize("kind", [event_type, partner, term])


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Another connection."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
        executor.submit(connections.close_all).result()


def sql(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def is_waited_for() -> bool:
    return bool(waiting_for_locks())


@KINDS
def test_what_actions_refer_to_is_not_deleted(kind: Callable[[], Parent]) -> None:
    parent = kind()
    record(parent.reports(1))
    with pytest.raises(IntegrityError, match="Actions refer to the row"):
        delete_row(parent.table, parent.pk)
    with pytest.raises(IntegrityError, match="Actions refer to the row"):
        sql(f"UPDATE {parent.table} SET id = id + 1000000 WHERE id = %s", parent.pk)  # noqa: S608 -- as above


def test_a_program_that_actions_refer_to_is_not_deleted() -> None:
    action, program = record_action(make_tracker()).action, make_program()
    sql("UPDATE actions_action SET program_id = %s WHERE id = %s", program.pk, action.pk)
    with pytest.raises(IntegrityError, match="Actions refer to the row"):
        delete_row("partners_program", program.pk)


@KINDS
def test_what_no_action_refers_to_is_deleted_but_not_where_new_rows_are_not_seen(kind: Callable[[], Parent]) -> None:
    parent = kind()
    with pytest.raises(IntegrityError):
        delete_row(parent.table, parent.pk, isolation="REPEATABLE READ")
    delete_row(parent.table, parent.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {parent.table} WHERE id = %s", [parent.pk])
        assert cursor.fetchone() is None


@SIZES
@KINDS
def test_what_a_recording_refers_to_is_not_deleted_beside_it(
    kind: Callable[[], Parent], number: int, beside: ThreadPoolExecutor
) -> None:
    parent = kind()
    with transaction.atomic():
        assert all(isinstance(each, Recorded) for each in record(parent.reports(number)))
        deleting = beside.submit(delete_row, parent.table, parent.pk)
        wait_until(is_waited_for, 10, "the deletion waits")
    with pytest.raises(IntegrityError, match="Actions refer to the row"):
        deleting.result(20)
    assert Action.objects.count() == number


@SIZES
@KINDS
def test_a_recording_does_not_refer_to_what_is_deleted_beside_it(
    kind: Callable[[], Parent], number: int, beside: ThreadPoolExecutor
) -> None:
    parent = kind()
    record(parent.reports(1))  # What is kept of the set-up is read now.
    for table in ("actions_item", "actions_actionevent", "actions_action"):
        sql(f"DELETE FROM {table}")  # noqa: S608 -- as above
    recording: list[Future[list[Result]]] = []

    def meanwhile() -> None:
        recording.append(beside.submit(record, parent.reports(number)))
        wait_until(is_waited_for, 10, "the recording waits")

    delete_row(parent.table, parent.pk, then=meanwhile)
    results = recording[0].result(20)
    # Without their event type they are refused; without partner or term, nobody is paid.
    assert {type(each) for each in results} == {RejectedResult if kind is event_type else Recorded}
    for action in Action.objects.all():
        assert (action.partner_id if kind is partner else action.contract_term_id) is None


@pytest.mark.parametrize("column", ["program_id", "action_tracker_id", "partner_id", "contract_term_id"])
def test_a_row_that_nobody_held_anything_for_cannot_refer_to_what_is_not_there(column: str) -> None:
    tracker, found = make_tracker(), make_partner()
    make_term(tracker, found)
    action = record_action(tracker, found).action
    with pytest.raises(IntegrityError, match="has been deleted"):
        sql(f"UPDATE actions_action SET {column} = 987654 WHERE id = %s", action.pk)  # noqa: S608 -- as above
    action.pk, action.order_id = None, "another"
    setattr(action, column, 987654)
    with pytest.raises(IntegrityError, match="has been deleted"):
        action.save(force_insert=True)


def test_what_a_row_referred_to_before_the_commit_does_not_matter() -> None:
    action, gone = record_action(make_tracker(), make_partner()).action, make_partner()
    with transaction.atomic():
        sql("UPDATE actions_action SET partner_id = %s WHERE id = %s", gone.pk, action.pk)
        sql("UPDATE actions_action SET partner_id = NULL WHERE id = %s", action.pk)
        delete_row = "DELETE FROM partners_partner WHERE id = %s"
        sql(delete_row, gone.pk)
    assert not Partner.objects.filter(pk=gone.pk).exists()
