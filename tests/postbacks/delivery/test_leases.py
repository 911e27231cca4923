"""Which worker processes live, and what is taken back from those that do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone
from psycopg2 import extensions

from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import leases
from postbacks.models import Delivery, Postback
from tests.support.delivery_rows import engine_connection, held_up, make_delivery, make_held
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LIVING, DEAD = 1001, 2**31 - 1


@pytest.fixture
def cursor(db: None) -> Iterator[extensions.cursor]:
    with engine_connection() as connection, connection.cursor() as cursor:
        leases.plan(cursor)
        yield cursor


@pytest.fixture
def living(db: None) -> Iterator[extensions.connection]:
    with engine_connection() as connection:
        leases.announce(connection, LIVING)
        yield connection


@pytest.fixture(autouse=True)
def server_has_run_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", -1)
    monkeypatch.setattr(leases, "ABSENCE_SECONDS", -1)


def holders() -> dict[int, int | None]:
    return dict(Delivery.objects.values_list("pk", "owner"))


@pytest.mark.usefixtures("living")
def test_what_a_dead_owner_holds_is_ready_again_at_once(cursor: extensions.cursor, lane: Postback) -> None:
    first, second = make_held(lane, owner=DEAD, attempts_made=3, reason="Earlier."), make_held(lane, owner=DEAD - 1)
    kept = make_held(lane, owner=LIVING)
    assert leases.reclaim(cursor) == {lane.pk}
    assert holders() == {first.pk: None, second.pk: None, kept.pk: LIVING}
    row = Delivery.objects.get(pk=first.pk)
    assert (row.state, row.lease_until, row.attempts_made, row.reason) == ("ready", None, 3, "Earlier.")
    assert row.due_at == first.due_at
    assert Delivery.objects.get(pk=kept.pk).state == "sending"


@pytest.mark.usefixtures("living")
def test_what_a_living_owner_holds_is_its_own_lease_or_not(cursor: extensions.cursor, lane: Postback) -> None:
    stalled, busy = make_held(lane, owner=LIVING, lease_seconds=-1), make_held(lane, owner=LIVING, lease_seconds=60)
    assert leases.reclaim(cursor) == set()
    assert holders() == {stalled.pk: LIVING, busy.pk: LIVING}


def lease_of(delivery: Delivery) -> float:
    lease_until = Delivery.objects.get(pk=delivery.pk).lease_until
    return (lease_until - timezone.now()).total_seconds() if lease_until else 0.0


def test_an_owner_whose_lock_is_away_has_a_while_to_come_back(
    cursor: extensions.cursor, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "ABSENCE_SECONDS", 20)
    delivery, nearly_over = (
        make_held(lane, owner=LIVING, lease_seconds=60),
        make_held(lane, owner=DEAD, lease_seconds=5),
    )
    assert leases.reclaim(cursor) == set()
    assert lease_of(delivery) <= 20
    assert 0 < lease_of(nearly_over) <= 5, "a lease is never lengthened by others"
    with engine_connection() as again:
        leases.announce(again, LIVING)
        leases.renew(again.cursor(), LIVING, 60)
    assert 20 < lease_of(delivery) <= 60, "its next absence begins anew"
    monkeypatch.setattr(leases, "ABSENCE_SECONDS", -1)

    def is_taken_back() -> bool:
        leases.reclaim(cursor)  # The other one it takes back at once.
        return holders()[delivery.pk] is None

    wait_until(is_taken_back, 20, "the server notices that the connection is closed")


@pytest.mark.usefixtures("living")
def test_an_owner_keeps_what_it_knows_of_and_gives_back_what_it_does_not(
    cursor: extensions.cursor, lane: Postback
) -> None:
    held, forgotten = [make_held(lane, owner=LIVING, lease_seconds=5) for _ in range(2)]
    fresh = make_held(lane, owner=LIVING, lease_seconds=55)
    others = make_held(lane, owner=LIVING + 1, lease_seconds=5)
    locked = make_held(lane, owner=LIVING, lease_seconds=5)
    with held_up(locked):
        assert leases.keep(cursor, LIVING, {held.pk}, 60) == 1
    assert holders() == {
        held.pk: LIVING, forgotten.pk: None, fresh.pk: LIVING, others.pk: LIVING + 1, locked.pk: LIVING,
    }  # fmt: skip
    assert lease_of(held) > 50
    assert lease_of(fresh) < 56, "what is far from its end is not written"
    assert Delivery.objects.get(pk=forgotten.pk).state == "ready"


def test_an_owner_is_dead_as_soon_as_its_connection_is(
    cursor: extensions.cursor, lane: Postback, living: extensions.connection
) -> None:
    delivery = make_held(lane, owner=LIVING)
    assert leases.reclaim(cursor) == set()
    living.close()
    wait_until(lambda: leases.reclaim(cursor) == {lane.pk}, 20, "the server notices that the connection is closed")
    assert holders() == {delivery.pk: None}


def test_after_a_start_of_the_server_the_owners_get_time_to_come_back(
    cursor: extensions.cursor, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, expired = make_held(lane, owner=DEAD), make_held(lane, owner=DEAD, lease_seconds=-1)
    before = holders()
    cursor.execute("SELECT ceil(extract(epoch FROM now() - pg_postmaster_start_time()))::int")
    (uptime_seconds,) = cursor.fetchone() or (0,)
    monkeypatch.setattr(leases, "GRACE_SECONDS", uptime_seconds + 60)
    assert leases.reclaim(cursor) == set()
    assert holders() == before
    monkeypatch.setattr(leases, "GRACE_SECONDS", uptime_seconds - 1)
    assert leases.reclaim(cursor) == {lane.pk}
    assert holders() == {held.pk: None, expired.pk: None}


def locks_of(cursor: extensions.cursor, owner: int) -> int:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE (classid, objid) = (%s, %s)", [LEASE_LOCKS, owner])
    (count,) = cursor.fetchone() or (0,)
    return int(count)


@pytest.mark.parametrize("state", ["ready", "blocked", "delivered", "failed", "cancelled"])
def test_what_nobody_holds_is_left_alone(cursor: extensions.cursor, lane: Postback, state: str) -> None:
    delivery = make_delivery(lane, state=state)
    assert leases.reclaim(cursor) == set()
    assert Delivery.objects.get(pk=delivery.pk).state == state


@pytest.mark.usefixtures("living")
def test_what_is_being_recorded_at_this_moment_is_skipped_not_waited_for(
    cursor: extensions.cursor, lane: Postback
) -> None:
    busy, free = make_held(lane, owner=DEAD), make_held(lane, owner=DEAD)
    with engine_connection() as other, other.cursor() as theirs:
        theirs.execute("BEGIN")
        theirs.execute("SELECT 1 FROM postbacks_delivery WHERE id = %s FOR UPDATE", [busy.pk])
        assert leases.reclaim(cursor) == {lane.pk}
        theirs.execute("ROLLBACK")
    assert holders() == {busy.pk: DEAD, free.pk: None}


def test_other_programs_advisory_locks_do_not_keep_an_owner_alive(cursor: extensions.cursor, lane: Postback) -> None:
    delivery = make_held(lane, owner=DEAD)
    with engine_connection() as other, other.cursor() as theirs:
        theirs.execute("SELECT pg_advisory_lock(%s)", [DEAD])
        theirs.execute("SELECT pg_advisory_lock(%s, %s)", [LEASE_LOCKS + 1, DEAD])
        assert leases.reclaim(cursor) == {lane.pk}
    assert holders() == {delivery.pk: None}


def test_a_process_that_was_cut_off_takes_its_lock_while_the_server_still_holds_the_old_one(
    cursor: extensions.cursor, lane: Postback, living: extensions.connection
) -> None:
    delivery = make_held(lane, owner=LIVING)
    with engine_connection() as again:
        leases.announce(again, LIVING)
        living.close()
        wait_until(lambda: locks_of(cursor, LIVING) == 1, 20, "the server notices that the old connection is closed")
        assert leases.reclaim(cursor) == set()
        assert holders() == {delivery.pk: LIVING}


def test_owner_numbers_are_what_an_advisory_lock_can_hold() -> None:
    numbers = {leases.new_holder() for _ in range(1000)}
    assert len(numbers) > 990
    assert min(numbers) > 0
    assert max(numbers) < 2**31
