"""Locking and clearing: on their dates, once, with an event and without a postback."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.recording import maturing
from actions.recording.maturing import mature
from actions.recording.record import record
from actions.recording.results import RejectedResult
from actions.reports.report import parse_report
from actions.tasks import mature as task
from postbacks.models import Delivery
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_report,
    make_term,
    make_tracker,
    record_change,
    recorded_event,
)

SECONDS = 30


def sale(days_ago: int, **fields: object) -> Action:
    """An action that locks after ten days and clears after twenty."""
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "8%", lock_after_days=10, clear_after_days=20)
    make_postback(tracker, make_media_source())
    date = (timezone.now() - timedelta(days=days_ago)).isoformat()
    return recorded_event(record([make_report(tracker, partner, EventDate=date, Amount="50.00", **fields)])[0]).action


def kinds(action: Action) -> list[str]:
    return list(action.events.order_by("number").values_list("kind", flat=True))


@pytest.mark.django_db
def test_an_action_locks_and_clears_on_its_dates_and_calls_nobody() -> None:
    young, old, older = sale(9), sale(11), sale(21)
    assert Delivery.objects.count() == 3
    assert mature(SECONDS) == 3
    assert [kinds(each) for each in (young, old, older)] == [
        ["created"],
        ["created", "locked"],
        ["created", "locked", "cleared"],
    ]
    for each in (young, old, older):
        each.refresh_from_db()
    assert [each.status for each in (young, old, older)] == ["PENDING", "APPROVED", "APPROVED"]
    assert (old.cleared_at, older.cleared_at is not None) == (None, True)
    assert Delivery.objects.count() == 3, "only the three creations fired"
    assert mature(SECONDS) == 0, "once"


@pytest.mark.django_db
def test_the_events_carry_the_values_of_their_moment() -> None:
    action = sale(21, Reason="ORDER_UPDATE")
    mature(SECONDS)
    locked, cleared = action.events.filter(number__gt=1).order_by("number")
    for event in (locked, cleared):
        values = event.parameters
        assert (values["Status"], values.get("StatusDetail")) == ("APPROVED", None)
        assert (values["Amount"], values["Payout"]) == ("50.00", "4.00")
        assert (values["DeltaAmount"], values["DeltaPayout"]) == ("0.00", "0.00")


@pytest.mark.django_db
def test_what_is_locked_cannot_be_changed_any_more() -> None:
    action = sale(11)
    mature(SECONDS)
    for change in ({"Event": "modified", "Amount": "1"}, {"Event": "reversed"}):
        (outcome,) = record([parse_report({"ActionId": action.action_id, **change})])
        assert isinstance(outcome, RejectedResult)
        assert outcome.reason_code == "ACTION_NOT_PENDING"


@pytest.mark.django_db
def test_a_reversed_action_does_not_lock_and_a_restored_one_does() -> None:
    action = sale(21)
    reversal = record_change(action.events.get(), "reversed")
    assert mature(SECONDS) == 0
    record_change(reversal, "restored")
    assert mature(SECONDS) == 2
    assert kinds(action) == ["created", "reversed", "restored", "locked", "cleared"]


@pytest.mark.django_db
def test_more_than_one_batch_is_taken_and_the_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = [sale(11) for _ in range(5)]
    monkeypatch.setattr(maturing, "ACTIONS_PER_TRANSACTION", 2)
    assert mature(0) == 0
    assert Action.objects.filter(status="PENDING").count() == 5
    task()
    assert [kinds(each) for each in actions] == [["created", "locked"]] * 5


@pytest.mark.django_db(transaction=True)
def test_a_reversal_at_the_same_moment_comes_first_and_stands() -> None:
    action = sale(11)
    done: list[int] = []

    def look() -> None:
        try:
            done.append(mature(SECONDS))
        finally:
            connection.close()

    with transaction.atomic():
        record([parse_report({"ActionId": action.action_id, "Event": "reversed"})])
        other = threading.Thread(target=look)
        other.start()
        other.join(20)
        assert done == [0], "it does not wait for the row"
    assert mature(SECONDS) == 0
    assert kinds(action) == ["created", "reversed"]
    assert ActionEvent.objects.count() == 2
