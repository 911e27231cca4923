"""`{DeliveryId}`: the same for the same event of the same order, whatever rows say it; never the same for two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from psycopg2 import extensions

from actions.models import Action, ActionEvent, Item
from partners.models import ActionTracker
from postbacks.delivery.claim import claim
from postbacks.delivery.known_ids import derived
from postbacks.delivery.outcomes import Judged, Retry
from postbacks.models import Delivery, Postback
from postbacks.replay.resend import resend
from tests.support.delivery_rows import OWNER, claimed, make_delivery, make_held, prepared, sent
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action, record_change

pytestmark = pytest.mark.django_db(transaction=True)


def known() -> dict[tuple[int, str], UUID | None]:
    """The ids by postback and kind of event."""
    rows = Delivery.objects.values_list("postback", "event__kind", "known_by")
    return {(postback, kind): known_by for postback, kind, known_by in rows}


def lose_all() -> None:
    """As if it had been reported after the backup: the rows are gone, and their numbers are not used again."""
    for model in (Delivery, ActionEvent, Item, Action):
        model.objects.all().delete()


def report(tracker: ActionTracker, order_id: str) -> None:
    event = record_action(tracker, OrderId=order_id)
    record_change(event, "modified", Amount="11")
    record_change(event, "reversed")


def test_reported_again_after_a_loss_each_event_has_the_id_that_it_had(lane: Postback) -> None:
    make_postback(lane.action_tracker, make_media_source())
    report(lane.action_tracker, "A:1")
    before, numbers = known(), set(Delivery.objects.values_list("pk", flat=True))
    assert len(set(before.values()) - {None}) == 6
    lose_all()
    report(lane.action_tracker, "A:1")
    assert known() == before
    assert numbers.isdisjoint(Delivery.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("microsecond", [0, 7, 999_999], ids=["whole", "few", "most"])
def test_what_is_derived_here_is_what_the_database_derives(lane: Postback, microsecond: int) -> None:
    """A new order's is derived here, a later event's there."""
    created_at = lane.created_at.replace(microsecond=microsecond)
    Postback.objects.filter(pk=lane.pk).update(created_at=created_at)
    event = record_action(lane.action_tracker, OrderId="Größe:1 '\\")
    with connection.cursor() as cursor:
        statement = f"SELECT {derived()} FROM (SELECT %s, %s) AS v (postback_id, event_id)"  # noqa: S608 -- constants
        cursor.execute(statement, [lane.pk, event.pk])
        assert Delivery.objects.get().known_by == cursor.fetchone()[0]


def test_another_postback_event_type_order_or_repeat_has_another(lane: Postback) -> None:
    tracker = make_tracker()
    network = make_media_source()
    make_postback(tracker, network)
    make_postback(lane.action_tracker, network)
    for each in (lane.action_tracker, tracker):
        for order in ("1", "2", "1:1", "1:created"):
            record_action(each, OrderId=order)
    Action.objects.update(event_date=timezone.now() - timedelta(days=90))
    record_action(tracker, OrderId="1")
    assert Action.objects.filter(order_id="1", order_repeat=1).count() == 1
    ids = list(Delivery.objects.values_list("known_by", flat=True))
    assert None not in ids
    assert len(set(ids)) == len(ids) == 13


def test_a_postback_that_takes_the_number_of_one_that_was_lost_has_ids_of_its_own(lane: Postback) -> None:
    record_action(lane.action_tracker, OrderId="1")
    (before,) = known().values()
    lose_all()
    Postback.objects.filter(pk=lane.pk).update(
        created_at=lane.created_at + timedelta(microseconds=1),
        event_trigger=lane.event_trigger,  # So that nobody keeps what was read of the other one.
    )
    record_action(lane.action_tracker, OrderId="1")
    (after,) = known().values()
    assert before is not None
    assert after not in (None, before)


def test_a_resend_has_the_id_of_what_it_sends_again(lane: Postback) -> None:
    record_action(lane.action_tracker)
    first = Delivery.objects.get()
    Delivery.objects.update(state="delivered", attempts_made=1, known_as=first.pk)
    (second,) = resend([first.pk])
    assert Delivery.objects.get(pk=second).sent_as == str(first.known_by)


@pytest.fixture
def cursor(connection: extensions.connection) -> extensions.cursor:
    return connection.cursor()


def test_what_an_earlier_release_has_sent_keeps_its_number(
    write: Callable[..., None], cursor: extensions.cursor, lane: Postback
) -> None:
    """It sends the number also of rows that have a derived id, and does not note it."""
    derived = UUID(int=7)
    old = make_delivery(lane)
    theirs = make_delivery(lane, known_by=derived, attempts_made=1)
    ours = make_delivery(lane, known_by=derived, attempts_made=1, known_as=1)
    fresh = make_held(lane, known_by=derived)
    one = claimed(fresh)
    assert one.known_as == str(derived)
    write(Judged(one, Retry("Not yet.", -1.0), sent(prepared(one))))
    expected = {old.pk: str(old.pk), theirs.pk: str(theirs.pk), ours.pk: str(derived), fresh.pk: str(derived)}
    assert {one.delivery_id: one.known_as for one in claim(cursor, OWNER, {lane.pk: 10}).claimed} == expected
    assert {row.pk: row.sent_as for row in Delivery.objects.all()} == expected
    for row in Delivery.objects.all():
        again = claimed(row)
        write(Judged(again, Retry("Not yet.", -1.0), sent(prepared(again))))
    assert {row.pk: row.sent_as for row in Delivery.objects.all()} == expected, "and keeps it"
    Delivery.objects.update(state="delivered", due_at=old.due_at)
    resent = Delivery.objects.filter(pk__in=resend([old.pk, theirs.pk, ours.pk, fresh.pk]))
    assert {row.known_as: row.sent_as for row in resent} == {
        old.pk: str(old.pk), theirs.pk: str(theirs.pk), 1: str(derived), fresh.pk: str(derived),
    }  # fmt: skip
