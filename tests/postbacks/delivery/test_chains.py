"""Order per action: of each (postback, action) chain only the first unfinished delivery may be sent."""

from __future__ import annotations

import pytest

from actions.models import ActionEvent
from postbacks.database import raw_cursor
from postbacks.delivery.chains import promote, promote_stuck
from postbacks.models import Delivery, Postback
from tests.support.delivery_rows import OWNER, held_up, make_delivery, make_event, make_held, make_lane
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def lane_event(lane: Postback) -> ActionEvent:
    return make_event(lane)


def next_event(event: ActionEvent) -> ActionEvent:
    number = ActionEvent.objects.filter(action=event.action).count() + 1
    return ActionEvent.objects.create(action=event.action, number=number, kind="modified", parameters={})


def make_blocked(lane: Postback, event: ActionEvent, due_in_seconds: float = -1.0) -> Delivery:
    return make_delivery(lane, event, state="blocked", due_in_seconds=due_in_seconds)


def promoted(*deliveries: Delivery) -> dict[int, float]:
    with raw_cursor() as cursor:
        return promote(cursor, [(one.postback_id, one.action_id) for one in deliveries]).due


def states(lane: Postback) -> list[str]:
    return list(lane.deliveries.order_by("event_id", "id").values_list("state", flat=True))


@pytest.mark.parametrize("finished", ["delivered", "failed", "cancelled"])
def test_the_first_of_those_that_wait_follows_one_that_has_finished(
    lane: Postback, lane_event: ActionEvent, finished: str
) -> None:
    done = make_delivery(lane, lane_event, state=finished)
    second = make_blocked(lane, next_event(lane_event))
    make_blocked(lane, next_event(lane_event))
    due = promoted(done)
    assert states(lane) == [finished, "ready", "blocked"]
    assert due == {lane.pk: pytest.approx(-1, abs=5)}
    second.refresh_from_db()
    assert (second.attempts_made, second.owner, second.finished_at) == (0, None, None)


@pytest.mark.parametrize("unfinished", ["ready", "sending"])
def test_nobody_follows_one_that_is_unfinished(lane: Postback, lane_event: ActionEvent, unfinished: str) -> None:
    first = make_held(lane, lane_event) if unfinished == "sending" else make_delivery(lane, lane_event)
    make_blocked(lane, next_event(lane_event))
    assert promoted(first) == {}
    assert states(lane) == [unfinished, "blocked"]


def test_the_order_is_that_of_the_events_not_of_the_rows(lane: Postback, lane_event: ActionEvent) -> None:
    later = next_event(lane_event)
    make_blocked(lane, later)
    make_blocked(lane, lane_event)
    promoted(*lane.deliveries.all())
    assert states(lane) == ["ready", "blocked"]


def test_of_one_events_deliveries_the_older_goes_first(lane: Postback, lane_event: ActionEvent) -> None:
    """A resend is a new row of the same event."""
    make_blocked(lane, lane_event)
    make_blocked(lane, lane_event)
    promoted(*lane.deliveries.all())
    assert states(lane) == ["ready", "blocked"]


def test_chains_are_told_apart_by_postback_and_action(lane: Postback, lane_event: ActionEvent) -> None:
    """Asked for one chain, no other is touched: neither of the postback's nor of the action's."""
    other_lane = make_lane(action_tracker=lane.action_tracker, media_source=lane.media_source)
    mine = make_blocked(lane, lane_event)
    same_action = make_blocked(other_lane, lane_event)
    same_lane = make_blocked(lane, make_event(lane))
    assert list(promoted(mine)) == [lane.pk]
    assert Delivery.objects.get(pk=mine.pk).state == "ready"
    assert {Delivery.objects.get(pk=one.pk).state for one in (same_action, same_lane)} == {"blocked"}


def test_many_chains_at_once_tell_each_lanes_earliest(lane: Postback) -> None:
    other_lane = make_lane(action_tracker=lane.action_tracker, media_source=lane.media_source)
    blocked = [
        make_blocked(lane, make_event(lane), due_in_seconds=500),
        make_blocked(lane, make_event(lane), due_in_seconds=50),
        make_blocked(lane, make_event(lane), due_in_seconds=500),
        make_blocked(other_lane, make_event(other_lane), due_in_seconds=5000),
    ]
    due = promoted(*blocked, *blocked)
    assert due == {lane.pk: pytest.approx(50, abs=5), other_lane.pk: pytest.approx(5000, abs=5)}


def test_promoting_again_changes_nothing(lane: Postback, lane_event: ActionEvent) -> None:
    first = make_blocked(lane, lane_event)
    make_blocked(lane, next_event(lane_event))
    assert list(promoted(first)) == [lane.pk]
    assert promoted(first) == {}
    assert states(lane) == ["ready", "blocked"]


@pytest.mark.django_db(transaction=True)
def test_a_locked_one_is_not_waited_for_and_its_chain_is_named(lane: Postback) -> None:
    busy, free = make_blocked(lane, make_event(lane)), make_blocked(lane, make_event(lane))
    chains = [(one.postback_id, one.action_id) for one in (busy, free)]
    with held_up(busy), raw_cursor() as cursor:
        assert promote(cursor, chains).locked == chains[:1]
        assert states(lane) == ["blocked", "ready"]
    with raw_cursor() as cursor:  # The server lets go of what a closed connection had locked, in its own time.
        wait_until(lambda: promote(cursor, chains).locked == [], 5, "the lock is gone")
    assert states(lane) == ["ready", "ready"]


def test_no_chains_is_no_work(lane: Postback, lane_event: ActionEvent) -> None:
    make_blocked(lane, lane_event)
    assert promoted() == {}
    assert states(lane) == ["blocked"]


def test_the_slow_sweep_finds_every_chain_whose_promoter_died(lane: Postback, lane_event: ActionEvent) -> None:
    make_delivery(lane, lane_event, state="delivered")
    make_blocked(lane, next_event(lane_event))
    make_blocked(lane, next_event(lane_event))
    held = make_held(lane, make_event(lane), owner=OWNER)
    make_blocked(lane, next_event(held.event))
    with raw_cursor() as cursor:
        assert list(promote_stuck(cursor)) == [lane.pk]
        assert promote_stuck(cursor) == {}
    assert states(lane) == ["delivered", "ready", "blocked", "sending", "blocked"]
