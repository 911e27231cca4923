"""Statements that the server plans once for each connection: when they are used, and when they cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from actions.api.tokens import create_token
from actions.intake import queue
from actions.intake.recorder import record_taken
from actions.intake.taken import take
from actions.models import Action, ActionEvent, Item
from actions.recording import planned
from actions.recording.planned import BY_INDEX, Planned, plan_once
from actions.recording.record import record
from actions.recording.results import Recorded
from environment.addresses import LOCALHOST
from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback
from tests.support.counted_messages import counted
from tests.support.factories import make_report, report_fields
from tests.support.pgbouncer import running_pgbouncer

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = [{"Sku": "X", "SubTotal": "1.10"}, {"Sku": "Y", "Name": "50%s \\ 'off'", "SubTotal": "2"}]


@pytest.fixture(autouse=True)
def own_connection() -> Iterator[None]:
    connection.close()
    yield
    connection.close()
    planned._is_mixed_up.clear()


def must_record(tracker: ActionTracker, partner: Partner, number: int = 1) -> None:
    results = record([make_report(tracker, partner, Items=ITEMS) for _ in range(number)])
    assert [type(each) for each in results] == [Recorded] * number


def names_known() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}


def test_a_report_is_recorded_by_planned_statements(
    tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    must_record(tracker, partner)
    with counted() as messages:
        must_record(tracker, partner, 3)
        assert "EXECUTE begin_recording" in messages[0]
        assert "INSERT" not in "".join(messages)
        assert messages[1].count("EXECUTE add_actions_item") == 6
        assert names_known() >= {"begin_recording", "hold_setup", "insert_first"}
    assert (Action.objects.count(), ActionEvent.objects.count(), Delivery.objects.count()) == (4, 4, 4)
    assert set(Item.objects.values_list("name", flat=True)) == {"", "50%s \\ 'off'"}


def test_a_new_connection_learns_them_anew(tracker: ActionTracker, partner: Partner) -> None:
    must_record(tracker, partner)
    connection.close()
    must_record(tracker, partner)
    assert "begin_recording" in names_known()


def test_within_a_transaction_that_has_begun_they_go_as_text(tracker: ActionTracker, partner: Partner) -> None:
    with transaction.atomic():
        must_record(tracker, partner)
    assert names_known() == set()
    must_record(tracker, partner)
    with transaction.atomic():  # Now they are known, and used here too.
        must_record(tracker, partner)
    assert Action.objects.count() == 3


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "not named"])
def test_behind_a_pooler_they_go_as_text(
    tracker: ActionTracker, partner: Partner, settings: LazySettings, *, is_named: bool
) -> None:
    kept = connection.settings_dict
    with running_pgbouncer() as pgbouncer:
        settings.DATABASE_DIRECT = {"HOST": "elsewhere"} if is_named else None
        connection.close()
        place = {"HOST": LOCALHOST, "PORT": str(pgbouncer.port), "USER": "postgres"}
        connection.settings_dict = {**kept, **place, "OPTIONS": {}}
        try:
            for _ in range(3):
                must_record(tracker, partner)
            assert names_known() == set()
            assert kept["NAME"] in {each["database"] for each in pgbouncer.show("CLIENTS")}, "it led through the pooler"
        finally:
            connection.close()
            connection.settings_dict = kept
    assert Action.objects.count() == 3


def test_a_connection_that_did_not_take_all_of_them_is_given_up(
    tracker: ActionTracker, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(planned, "_all", [*planned._all])
        Planned("nonsense", "SELECT nothing_of_the_kind(%s)")
        with pytest.raises(ProgrammingError, match="nothing_of_the_kind"):
            plan_once()
        assert connection.connection is None
    must_record(tracker, partner)


def test_a_pooler_that_nobody_could_know_of_is_noticed(
    tracker: ActionTracker, partner: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    """It hands the connection to a process of the server that was told nothing, or to one that others have told."""
    must_record(tracker, partner)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with transaction.atomic():
        must_record(tracker, partner)
    must_record(tracker, partner)
    assert (names_known(), Action.objects.count()) == (set(), 3)
    assert caplog.text.count("Set DATABASE_DIRECT_URL") == 1

    planned._is_mixed_up.clear()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("PREPARE hold_setup AS SELECT 1")
    must_record(tracker, partner)
    assert Action.objects.count() == 4
    assert caplog.text.count("Set DATABASE_DIRECT_URL") == 2


def test_what_is_kept_is_kept_although_a_pooler_mixed_it_up(partner: Partner, tracker: ActionTracker) -> None:
    token, _ = create_token("shop")
    reports = [
        take(token, "conversion", report_fields(tracker, partner, OrderId=f"P-{number}"), timezone.now())
        for number in range(2)
    ]
    queue.put(reports[:1])
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    queue.put(reports[1:])
    assert record_taken(reports).keys() == set(reports)
    assert Action.objects.count() == 2


def test_what_was_planned_on_an_empty_table_looks_things_up_by_index_once_it_is_full(
    tracker: ActionTracker, partner: Partner
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE actions_action, actions_queuedreport")  # Now it is known that they are empty.
    must_record(tracker, partner)
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; {BY_INDEX}")
        for name, values in (
            ("begin_recording", "1, 1, '{1}', '{x}'"),
            ("claim_reports", "'{1}', '{x}', 1, '{1}'"),
            ("begin_reports", "1, '{x}'"),
        ):
            cursor.execute(f"EXPLAIN EXECUTE {name} ({values})")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on actions_" not in plan, plan
        cursor.execute("ROLLBACK")
