"""Taking what is due: only that, in order, as much as there is room for, and nothing twice."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.utils import timezone
from psycopg2 import extensions

from postbacks.delivery import leases
from postbacks.delivery.claim import PLACED, claim, lease_seconds, next_due
from postbacks.delivery.outcomes import Claimed
from postbacks.delivery.setups import Setups
from postbacks.models import Delivery, Lane, Postback
from tests.support.bulk import make_due_deliveries
from tests.support.delivery_rows import OWNER, engine_connection, make_delivery, make_event, make_held, make_lane
from tests.support.plans import looked_up

pytestmark = pytest.mark.django_db(transaction=True)


def claimed_by(connection: extensions.connection, room: dict[int, int], owner: int = OWNER) -> list[Claimed]:
    with connection.cursor() as cursor:
        return claim(cursor, owner, room).claimed


def test_a_claim_holds_the_delivery_for_its_owner_until_the_lease_ends(
    connection: extensions.connection, lane: Postback
) -> None:
    delivery = make_delivery(lane, attempts_made=2)
    before, clock = timezone.now(), time.monotonic()
    (one,) = claimed_by(connection, {lane.pk: 10})

    assert one.delivery_id == delivery.pk
    assert (one.postback_id, one.action_id, one.event_kind) == (lane.pk, delivery.action_id, "created")
    assert one.attempt == 3, "the attempt to be made"
    assert f'"ActionId": "{delivery.action.action_id}"' in one.parameters
    # For us it ends earlier than for the others, so that what came of it can still be recorded.
    assert lease_seconds() == 60
    assert 54 <= one.expires - clock < 60

    delivery.refresh_from_db()
    assert (delivery.state, delivery.owner, delivery.attempts_made) == ("sending", OWNER, 2)
    assert delivery.lease_until is not None
    assert 59 <= (delivery.lease_until - before).total_seconds() <= 80


def test_only_what_is_ready_and_due_is_claimed(connection: extensions.connection, lane: Postback) -> None:
    due = make_delivery(lane)
    make_delivery(lane, due_in_seconds=60)
    for state in ("blocked", "delivered", "failed", "cancelled"):
        make_delivery(lane, state=state)
    held = make_held(lane, owner=OWNER + 1)
    assert [one.delivery_id for one in claimed_by(connection, {lane.pk: 10})] == [due.pk]
    held.refresh_from_db()
    assert held.owner == OWNER + 1
    assert Delivery.objects.filter(state="sending").count() == 2


def test_claims_come_in_the_order_in_which_they_are_due(connection: extensions.connection, lane: Postback) -> None:
    late, early, same = [make_delivery(lane, due_in_seconds=-seconds) for seconds in (10, 30, 10)]
    Delivery.objects.filter(pk=same.pk).update(due_at=late.due_at)
    assert [one.delivery_id for one in claimed_by(connection, {lane.pk: 10})] == [early.pk, late.pk, same.pk]


def test_each_lane_gets_its_room_and_lanes_not_asked_for_get_nothing(connection: extensions.connection) -> None:
    lanes = [make_lane() for _ in range(4)]
    made = {one.pk: [make_delivery(one, due_in_seconds=-seconds).pk for seconds in (30, 20, 10)] for one in lanes}
    first, second, none, unasked = lanes
    claimed = claimed_by(connection, {first.pk: 2, second.pk: 5, none.pk: 0})
    taken = {one.pk: [c.delivery_id for c in claimed if c.postback_id == one.pk] for one in lanes}
    assert taken == {first.pk: made[first.pk][:2], second.pk: made[second.pk], none.pk: [], unasked.pk: []}
    assert Delivery.objects.filter(state="ready").count() == 1 + 3 + 3


def test_a_second_claim_takes_what_the_first_left(connection: extensions.connection, lane: Postback) -> None:
    made = [make_delivery(lane, due_in_seconds=-seconds).pk for seconds in (30, 20, 10)]
    first = claimed_by(connection, {lane.pk: 2})
    second = claimed_by(connection, {lane.pk: 2}, owner=OWNER + 1)
    assert [one.delivery_id for one in first + second] == made
    assert claimed_by(connection, {lane.pk: 2}) == []
    owners = dict(Delivery.objects.values_list("pk", "owner"))
    assert owners == {made[0]: OWNER, made[1]: OWNER, made[2]: OWNER + 1}


def test_what_another_connection_is_claiming_is_skipped_not_waited_for(
    connection: extensions.connection, lane: Postback
) -> None:
    made = [make_delivery(lane, due_in_seconds=-seconds).pk for seconds in (30, 20, 10)]
    with engine_connection() as other, other.cursor() as theirs:
        theirs.execute("BEGIN")
        assert [one.delivery_id for one in claim(theirs, OWNER + 1, {lane.pk: 2}).claimed] == made[:2]
        assert [one.delivery_id for one in claimed_by(connection, {lane.pk: 3})] == made[2:]
        theirs.execute("ROLLBACK")
    assert [one.delivery_id for one in claimed_by(connection, {lane.pk: 3})] == made[:2]


def test_many_claimers_at_once_take_every_delivery_exactly_once(lane: Postback) -> None:
    made = make_due_deliveries(lane.action_tracker, [lane], 600)
    barrier = Barrier(4)
    taken: list[tuple[int, int]] = []

    def work(owner: int) -> None:
        with engine_connection() as mine:
            barrier.wait(10)
            while batch := claimed_by(mine, {lane.pk: 20}, owner):
                taken.extend((one.delivery_id, owner) for one in batch)

    threads = [Thread(target=work, args=(owner,)) for owner in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == 600
    assert {delivery for delivery, _ in taken} == made
    assert dict(Delivery.objects.values_list("pk", "owner")) == dict(taken)


def test_the_next_due_time_of_each_lane(connection: extensions.connection) -> None:
    due, later, empty, unasked = lanes = [make_lane() for _ in range(4)]
    make_delivery(due, due_in_seconds=-5)
    make_delivery(due, due_in_seconds=40)
    make_delivery(later, due_in_seconds=90)
    make_delivery(later, due_in_seconds=40, state="blocked")
    make_held(empty, make_event(empty))
    make_delivery(unasked)
    with connection.cursor() as cursor:
        found = next_due(cursor, [lane.pk for lane in lanes[:3]])
    assert set(found) == {due.pk, later.pk}
    assert found[due.pk].delivery == pytest.approx(-6, abs=2)
    assert found[due.pk].replay is None
    assert found[later.pk].delivery == pytest.approx(88, abs=3)


def test_live_traffic_goes_first_and_the_lower_classes_keep_their_share(
    connection: extensions.connection, lane: Postback
) -> None:
    made = make_due_deliveries(lane.action_tracker, [lane], 60)
    live, retries, replays = (sorted(made)[start : start + 20] for start in (0, 20, 40))
    Delivery.objects.filter(pk__in=retries).update(priority=1)
    Delivery.objects.filter(pk__in=replays).update(priority=2)
    claimed = [one.delivery_id for one in claimed_by(connection, {lane.pk: 10})]
    assert claimed == live[:6] + retries[:2] + replays[:2]


def test_room_that_live_traffic_does_not_need_goes_to_the_lower_classes(
    connection: extensions.connection, lane: Postback
) -> None:
    made = make_due_deliveries(lane.action_tracker, [lane], 30)
    Delivery.objects.update(priority=1)
    taken: set[int] = set()
    while batch := claimed_by(connection, {lane.pk: 10}):
        assert len(batch) <= 10
        taken |= {one.delivery_id for one in batch}
    assert taken == made


@pytest.mark.parametrize("priority", Delivery.Priority)
def test_a_lane_with_one_class_alone_gets_all_of_its_room(
    connection: extensions.connection, lane: Postback, priority: int
) -> None:
    """What was kept for the class is not counted against it twice: the lane would seem to have no more that is due."""
    make_due_deliveries(lane.action_tracker, [lane], 30)
    Delivery.objects.update(priority=priority)
    taken = [one.delivery_id for _ in range(3) for one in claimed_by(connection, {lane.pk: 10})]
    assert len(taken) == 30
    assert taken == sorted(taken)


def test_the_next_due_time_looks_at_every_class(connection: extensions.connection, lane: Postback) -> None:
    make_delivery(lane, due_in_seconds=90)
    make_delivery(lane, due_in_seconds=60, priority=1)
    make_delivery(lane, due_in_seconds=30, priority=2)
    with connection.cursor() as cursor:
        found = next_due(cursor, [lane.pk])
    assert found[lane.pk].delivery == pytest.approx(60, abs=5)
    assert found[lane.pk].replay == pytest.approx(30, abs=5)


def test_replays_get_no_more_than_their_room(connection: extensions.connection) -> None:
    lanes = [make_lane() for _ in range(4)]
    for lane in lanes:
        for _ in range(5):
            make_delivery(lane, priority=2)
        make_delivery(lane)
    with connection.cursor() as cursor:
        for room, expected in ((6, 6), (0, 0), (None, 14)):
            taken = claim(cursor, OWNER, {lane.pk: 10 for lane in lanes}, room).claimed
            assert sum(one.priority == 2 for one in taken) == expected
            assert sum(one.priority == 0 for one in taken) == (4 if room == 6 else 0), "live ones are not held back"


def test_a_lane_that_is_not_as_it_is_known_gives_nothing_and_says_so(
    connection: extensions.connection, lane: Postback
) -> None:
    make_delivery(lane)
    with connection.cursor() as cursor:
        version = Setups().read(cursor, [lane.pk])[lane.pk].version

        def taken(known: str, probed: set[int] | None = None) -> tuple[int, bool]:
            found = claim(cursor, OWNER, {lane.pk: 5}, versions={lane.pk: known}, probed=probed or set())
            return len(found.claimed), found.lanes[lane.pk].expected

        assert taken("another") == (0, False)
        Lane.objects.create(postback=lane, held_since=timezone.now(), probe_at=timezone.now(), failures=10)
        assert taken(version) == (0, False), "held"
        assert taken(version, {lane.pk}) == (1, True), "held and probed"
        Lane.objects.all().delete()
        make_delivery(lane)
        Postback.objects.update(paused_at=timezone.now())
        assert taken(version) == (0, False), "paused"
        assert taken(Setups().read(cursor, [lane.pk])[lane.pk].version) == (1, True), "the drain leaves paused ones out"
        assert claim(cursor, OWNER, {lane.pk + 1000: 5}).lanes == {}, "there is none"


def test_a_claim_says_when_the_lane_has_work_next(connection: extensions.connection) -> None:
    empty, later, replayed, troubled = (make_lane() for _ in range(4))
    make_delivery(later)
    make_delivery(later, due_in_seconds=90)
    make_delivery(later, due_in_seconds=60, priority=1)
    make_delivery(replayed, priority=2)
    Lane.objects.create(postback=troubled, failures=1)
    with connection.cursor() as cursor:
        found = claim(cursor, OWNER, {lane.pk: 5 for lane in (empty, later, replayed, troubled)}).lanes
    assert found[empty.pk] == (True, False, None, None, None)
    assert found[later.pk].later_seconds == pytest.approx(60, abs=5)
    assert found[replayed.pk].replay_seconds == pytest.approx(0, abs=5), "though it was claimed"
    assert found[troubled.pk].troubled


@pytest.mark.parametrize("priority", [Delivery.Priority.RETRY, Delivery.Priority.REPLAY])
def test_retries_and_replays_are_looked_for_only_in_lanes_that_have_some(
    connection: extensions.connection, lane: Postback, priority: int
) -> None:
    make_due_deliveries(lane.action_tracker, [lane], 3)
    claimed_by(connection, {lane.pk: 1})  # From now on the connection knows the statement.
    assert looks_for_others(connection, lane) == 0
    other = make_delivery(lane, priority=priority)
    assert looks_for_others(connection, lane) > 0
    Delivery.objects.filter(pk=other.pk).update(state="cancelled")
    assert looks_for_others(connection, lane) == 0


def looks_for_others(connection: extensions.connection, lane: Postback) -> int:
    """How often a claim of this lane looks for deliveries of one class that is not live traffic."""
    one_lane = f"'{{{lane.pk}}}', '{{1}}', '{{1}}', '{{1}}', '{{NULL}}', '{{false}}', '{{-infinity}}', '{{0}}'"
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE claim ({OWNER}, 60, {one_lane})")
        (found,) = cursor.fetchone() or ([],)
        cursor.execute("ROLLBACK")
    return looked_up(found[0]["Plan"], ("priority = 1", "priority = 2"))


def test_a_claim_goes_on_where_one_with_much_room_has_ended(
    connection: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of deliveries that are due at one moment, the id says which come first."""
    monkeypatch.setattr("postbacks.delivery.claim._kept", lambda _room: 1)  # Otherwise chance rounds a fifth.
    made = sorted(make_due_deliveries(lane.action_tracker, [lane], 6))
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=10))
    early = make_delivery(lane, due_in_seconds=-30).pk
    retry = make_delivery(lane, priority=Delivery.Priority.RETRY, due_in_seconds=-40).pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE postbacks_delivery SET state = 'blocked' WHERE id = ANY (%s)", ([*made[3:], retry],))
        first = claim(cursor, OWNER, {lane.pk: PLACED})
        assert [one.delivery_id for one in first.claimed] == [early, *made[:3]]
        last = first.lanes[lane.pk].last
        assert last is not None
        assert last[1] == made[2]
        cursor.execute("UPDATE postbacks_delivery SET state = 'ready' WHERE state = 'blocked'")
        cursor.execute(leases.GIVE_BACK, ([early], OWNER))
        second = claim(cursor, OWNER, {lane.pk: 2}, after={lane.pk: last})
        assert [one.delivery_id for one in second.claimed] == [made[3], retry], "a retry has no place"
        assert second.lanes[lane.pk].last is None, "a small claim says nothing"
        assert [one.delivery_id for one in claim(cursor, OWNER, {lane.pk: 9}).claimed] == [early, *made[4:]]
