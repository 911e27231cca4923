"""Postbacks with conditions, from the report to the delivery."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from actions.models import ActionEvent
from partners.models import ActionTracker
from postbacks.conditions.lines import read_lines
from postbacks.lifecycle import delete_postback
from postbacks.matching import unmet_conditions
from postbacks.models import Delivery, Postback, PutAside, Replay
from postbacks.outbox import judge_put_aside
from postbacks.replay.plan import NothingMatchedError, plan, start
from postbacks.replay.resend import resend
from postbacks.replay.selection import Selection
from tests.support.factories import (
    make_media_source,
    make_postback,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]


def conditional(tracker: ActionTracker, text: str, owner: Any = None, **fields: Any) -> Postback:
    return make_postback(tracker, owner or make_media_source(), conditions=read_lines(text), **fields)


def sent(postback: Postback) -> list[tuple[int, str]]:
    """The numbers of the events that it fires on, in order, and the states of their deliveries."""
    return list(postback.deliveries.order_by("event_id", "id").values_list("event__number", "state"))


def amounts(event: ActionEvent, *amounts: str) -> None:
    for amount in amounts:
        record_change(event, "modified", ItemSubTotal1=amount, ItemSku1="GH23", ItemQuantity1="1")


def first(tracker: ActionTracker, partner: Any = None, amount: str = "12.00", **fields: Any) -> ActionEvent:
    return record_action(tracker, partner, ItemSubTotal1=amount, ItemSku1="GH23", ItemQuantity1="1", **fields)


def test_each_event_is_judged_by_its_own_values_for_partners_and_networks() -> None:
    tracker = make_tracker()
    partner = make_term(tracker).contract.partner
    lanes = [conditional(tracker, "Amount at least 50", owner) for owner in (partner, make_media_source())]
    amounts(first(tracker, partner), "60.00", "49.99", "50")
    for lane in lanes:
        assert sent(lane) == [(2, "ready"), (4, "blocked")], "12 and 49.99 are below, and leave no gap in the chain"


def test_any_of_them_is_enough_where_asked() -> None:
    tracker = make_tracker()
    text = "Amount at least 50\nCustomerCountry one of BR, PT"
    any_of_them = conditional(tracker, text, conditions_match="any")
    all_of_them = conditional(tracker, text)
    for country, amount in (("BR", "12"), ("US", "60"), ("PT", "60"), ("US", "12")):
        first(tracker, amount=amount, CustomerCountry=country)
    assert any_of_them.deliveries.count() == 3
    assert all_of_them.deliveries.count() == 1


def test_a_change_of_conditions_counts_from_the_next_event() -> None:
    tracker = make_tracker()
    lane = conditional(tracker, "Amount at least 50")
    first(tracker)
    lane.conditions = read_lines("Amount at least 10")
    lane.save()
    first(tracker)
    lane.conditions = []
    lane.save(update_fields=["conditions"])
    first(tracker, amount="1")
    assert lane.deliveries.count() == 2


def test_a_parameter_that_is_hidden_later_counts_as_empty() -> None:
    tracker = make_tracker()
    lane = conditional(tracker, "PromoCode is SALE")
    first(tracker, OrderPromoCode="SALE")
    tracker.hidden_parameters = ["PromoCode"]
    tracker.save()
    event = first(tracker, OrderPromoCode="SALE")
    assert lane.deliveries.count() == 1
    lane.refresh_from_db()
    assert unmet_conditions(lane, event) == "PromoCode is empty, not “SALE”"
    with pytest.raises(ValidationError, match="The event type hides PromoCode from postbacks"):
        lane.clean()


def test_what_is_sent_again_by_hand_is_not_judged_again() -> None:
    tracker = make_tracker()
    lane = conditional(tracker, "Amount at least 10")
    first(tracker)
    lane.deliveries.update(state="delivered", finished_at="2026-11-20T10:00:00Z")
    lane.conditions = read_lines("Amount at least 50")
    lane.save()
    (again,) = resend(list(lane.deliveries.values_list("pk", flat=True)))
    assert Delivery.objects.get(pk=again).state == "ready"


def insert_unjudged(postback: Postback, event: ActionEvent, known_as: int | None = None) -> None:
    """A delivery as a process inserts it that knows no conditions."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL postbacks.judges = ''")  # The test's transaction has inserted others.
        cursor.execute(
            """
            INSERT INTO postbacks_delivery
                (postback_id, event_id, action_id, state, due_at, attempts_made, reason, known_as)
            VALUES (%s, %s, %s, 'ready', now(), 0, '', %s)
            """,
            (postback.pk, event.pk, event.action_id, known_as),
        )


def test_what_a_process_without_conditions_inserts_is_put_aside_and_judged() -> None:
    tracker = make_tracker()
    plain = make_postback(tracker, make_media_source())
    small, large = first(tracker), first(tracker, amount="60.00")
    lane = conditional(tracker, "Amount at least 50")
    for event in (small, large):
        plain.deliveries.all().delete()
        insert_unjudged(plain, event)
        insert_unjudged(lane, event)
    assert plain.deliveries.count() == 1, "without conditions, as ever"
    assert sent(lane) == []
    assert judge_put_aside() == 2
    assert list(lane.deliveries.values_list("event_id", flat=True)) == [large.pk]
    assert judge_put_aside() == 0


def test_what_was_put_aside_goes_before_a_later_event_of_its_action() -> None:
    tracker = make_tracker()
    event = first(tracker)
    lane = conditional(tracker, "Amount at least 10")
    insert_unjudged(lane, event)
    amounts(event, "60.00")
    assert sent(lane) == [(1, "ready"), (2, "blocked")]
    assert not PutAside.objects.exists()


def test_what_a_process_without_conditions_sends_again_by_hand_goes() -> None:
    tracker = make_tracker()
    event = first(tracker)
    lane = conditional(tracker, "Amount at least 50")
    insert_unjudged(lane, event, known_as=1)
    assert sent(lane) == [(1, "ready")]


def test_what_was_put_aside_for_a_deleted_postback_is_forgotten() -> None:
    tracker = make_tracker()
    event = first(tracker, amount="60")
    lane = conditional(tracker, "Amount at least 50")
    insert_unjudged(lane, event)
    delete_postback(lane)
    assert judge_put_aside() == 1
    assert sent(lane) == []


def replayed(lane: Postback, **options: Any) -> list[int]:
    """The numbers of the events that a replay to this postback would send."""
    replay = start(Selection(to_postback=lane.pk), described="a test", **options)
    numbers = replay.items.order_by("event_id").values_list("event_id", flat=True)
    return [ActionEvent.objects.get(pk=pk).number for pk in numbers]


def test_a_replay_judges_again_by_the_values_that_it_sends() -> None:
    tracker = make_tracker()
    event = first(tracker)
    amounts(event, "60.00", "20.00")
    lane = conditional(tracker, "Amount at least 50")
    assert plan(Selection(to_postback=lane.pk)).total == 1
    assert replayed(lane) == [2]
    with pytest.raises(NothingMatchedError, match="None of the 3 that match meets the conditions"):
        plan(Selection(to_postback=lane.pk), values=Replay.Values.CURRENT)


def test_a_replay_leaves_out_what_does_not_meet_the_conditions_any_more_also_as_a_follower() -> None:
    tracker = make_tracker()
    lane = conditional(tracker, "Amount at least 10")
    event = first(tracker, amount="60.00")
    amounts(event, "20.00")
    lane.deliveries.update(state="delivered", finished_at="2026-11-20T10:00:00Z")
    lane.conditions = read_lines("Amount at least 50")
    lane.save()
    replay = start(Selection(postbacks=(lane.pk,), event_kinds=("created",)), described="a test")
    assert list(replay.items.values_list("event_id", flat=True)) == [event.pk]
