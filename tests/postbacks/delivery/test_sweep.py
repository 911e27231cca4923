"""The sweep: what memory, messages and Redis have lost is found again in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import psycopg2
import pytest
from django.utils import timezone

from postbacks.advisory_locks import SWEEP_LOCK
from postbacks.delivery import chains, heartbeat, leases, sweep
from postbacks.delivery.prepared import PreparedStatement
from postbacks.delivery.process import CARE_EVERY_SECONDS
from postbacks.delivery.redis import client
from postbacks.delivery.sweep import Sweeper
from postbacks.models import Delivery, Lane, Postback, Pulse, PutAside
from tests.support.bulk import make_due_deliveries
from tests.support.delivery_rows import (
    engine_connection,
    lane_scores,
    make_delivery,
    make_held,
    make_lane,
    redis_that_is_gone,
    terminate,
)
from tests.support.factories import make_media_source, make_postback

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = 2**31 - 2
NOT_THERE = "SELECT id FROM a_table_that_is_not_there"


@pytest.fixture(autouse=True)
def server_has_run_for_long(empty_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", -1)
    monkeypatch.setattr(leases, "ABSENCE_SECONDS", -1)


@pytest.fixture
def sweeper(db: None) -> Iterator[Sweeper]:
    sweeper = Sweeper()
    yield sweeper
    sweeper._session.close()


def test_every_lane_with_something_due_is_woken_and_no_other(sweeper: Sweeper, lane: Postback) -> None:
    later, paused, deleted, empty = [make_lane() for _ in range(4)]
    make_delivery(lane)
    make_delivery(later, due_in_seconds=60)
    make_delivery(paused)
    make_delivery(deleted)
    Postback.objects.filter(pk=paused.pk).update(paused_at=timezone.now())
    Postback.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    sweeper.sweep()
    assert set(lane_scores()) == {lane.pk}
    assert client.llen("postbacks") == 1
    assert not Delivery.objects.filter(postback=empty).exists()


def test_a_lane_on_hold_is_woken_when_its_probe_is_due(sweeper: Sweeper, lane: Postback) -> None:
    make_delivery(lane)
    now = timezone.now()
    hold = Lane.objects.create(postback=lane, held_since=now, probe_at=now + timedelta(seconds=60))
    sweeper.sweep()
    assert lane_scores() == {}
    Lane.objects.filter(pk=hold.pk).update(probe_at=now)
    sweeper.sweep()
    assert set(lane_scores()) == {lane.pk}


def test_what_a_dead_worker_held_is_ready_and_its_lane_woken(sweeper: Sweeper, lane: Postback) -> None:
    delivery = make_held(lane, owner=DEAD)
    sweeper.sweep()
    assert Delivery.objects.get(pk=delivery.pk).state == "ready"
    assert set(lane_scores()) == {lane.pk}


def test_the_slow_round_promotes_what_is_stuck_and_cancels_what_was_deleted(sweeper: Sweeper, lane: Postback) -> None:
    stuck, gone = make_delivery(lane, state="blocked"), make_delivery(make_lane())
    blocked_gone = make_delivery(gone.postback, state="blocked")
    held_gone = make_held(gone.postback, lease_seconds=60, owner=DEAD)
    Postback.objects.filter(pk=gone.postback_id).update(deleted_at=timezone.now())
    sweeper.sweep()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {stuck.pk: "ready", gone.pk: "cancelled", blocked_gone.pk: "cancelled", held_gone.pk: "cancelled"}
    assert Delivery.objects.get(pk=gone.pk).reason == "The postback was deleted."
    assert lane.pk in lane_scores()


def test_one_process_has_the_turn_of_each_second(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Sweeper()
    rounds: list[Sweeper] = []
    for each in (sweeper, other):
        monkeypatch.setattr(each, "sweep", lambda each=each: rounds.append(each))
    sweeper.sweep_in_turn()
    other.sweep_in_turn()
    sweeper.sweep_in_turn()
    assert rounds == [sweeper]
    assert 0 < client.pttl(sweep.TURN) <= sweep.TURN_MS < CARE_EVERY_SECONDS * 1000
    client.delete(sweep.TURN)
    other.sweep_in_turn()
    assert rounds == [sweeper, other]


def test_without_redis_each_process_sweeps_every_few_seconds(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = Pulse.objects.filter(name=heartbeat.SWEEP)
    with redis_that_is_gone(monkeypatch):
        sweeper.sweep_in_turn()
        assert not swept.exists()
        monkeypatch.setattr(sweep, "MISSED_AFTER_SECONDS", 0)
        sweeper.sweep_in_turn()
        assert swept.exists()


def test_what_a_task_has_to_go_on_with_is_posted(sweeper: Sweeper, lane: Postback) -> None:
    sweeper.sweep()
    assert client.llen("postbacks") == 0
    PutAside.objects.create(postback_id=lane.pk, action_id=1, event_id=1)
    sweeper.sweep()
    assert '"task": "postbacks.tasks.replay"' in str(client.lindex("postbacks", 0))


def test_while_another_worker_sweeps_nothing_is_done(sweeper: Sweeper, lane: Postback) -> None:
    make_delivery(lane)
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", SWEEP_LOCK)
        sweeper.sweep()
        assert lane_scores() == {}
        cursor.execute("ROLLBACK")
    sweeper.sweep()
    assert set(lane_scores()) == {lane.pk}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param((heartbeat, "NOTE", f"{NOT_THERE} WHERE name = %s"), id="in the middle of the transaction"),
        pytest.param((sweep, "_DUE", PreparedStatement("none", "", NOT_THERE)), id="on a new connection"),
    ],
)
def test_a_round_that_fails_lets_go_of_the_lock_and_the_next_one_works(
    sweeper: Sweeper, lane: Postback, monkeypatch: pytest.MonkeyPatch, broken: tuple[ModuleType, str, object]
) -> None:
    """As before the tables are there: an error that is no outage."""
    make_delivery(lane)
    with monkeypatch.context() as patch:
        patch.setattr(*broken)
        with pytest.raises(psycopg2.ProgrammingError):
            sweeper.sweep()
    another = Sweeper()
    another.sweep()
    another._session.close()
    assert set(lane_scores()) == {lane.pk}
    client.flushdb()
    sweeper.sweep()
    assert set(lane_scores()) == {lane.pk}


def test_a_lost_connection_costs_one_round(sweeper: Sweeper, lane: Postback, caplog: pytest.LogCaptureFixture) -> None:
    make_delivery(lane)
    sweeper.sweep()
    client.flushdb()
    assert terminate("sweep") >= 1
    sweeper.sweep()
    assert "The sweep was cut short" in caplog.text
    assert lane_scores() == {}
    sweeper.sweep()
    assert set(lane_scores()) == {lane.pk}


def _rows_read(plan: dict[str, Any]) -> float:
    """How many rows of deliveries a plan has read, those that it threw away included."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0.0)
    below = sum(_rows_read(each) for each in plan.get("Plans", ()))
    reads = plan.get("Relation Name") == Delivery._meta.db_table and plan["Node Type"].startswith(("Index", "Seq"))
    return float(below + own * plan["Actual Loops"] * reads)


def _analyze() -> None:
    with engine_connection() as connection, connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE postbacks_delivery")


def _rows_read_by(statement: str) -> float:
    with engine_connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (found,) = cursor.fetchone() or ([],)
    return _rows_read(found[0]["Plan"])


@pytest.mark.parametrize(
    ("statement", "most"),
    [
        pytest.param(sweep.DUE, 1, id="due"),
        pytest.param(sweep.CANCEL_DELETED, 0, id="deleted"),
        pytest.param(sweep.EXPIRE_HELD, 0, id="held"),
        pytest.param(chains.STUCK, 0, id="stuck"),
    ],
)
def test_a_backlog_is_not_read_to_see_that_it_is_there(lane: Postback, statement: str, most: int) -> None:
    make_due_deliveries(lane.action_tracker, [lane], 1_000)
    _analyze()
    assert _rows_read_by(statement) <= most


def test_what_is_in_front_of_the_first_that_is_due_is_not_read(lane: Postback) -> None:
    """Such as what is being sent, or waits behind another of its action."""
    lanes = [lane, *(make_postback(lane.action_tracker, make_media_source()) for _ in range(99))]
    make_due_deliveries(lane.action_tracker, lanes, 6_000)
    _analyze()  # As it was before the first of them came to this.
    middle = Delivery.objects.order_by("id")[3_000].pk
    Delivery.objects.filter(pk__lt=middle).update(state="blocked")
    assert _rows_read_by(sweep.DUE) == len(lanes)


def test_what_the_living_hold_is_not_read(lane: Postback) -> None:
    for _ in range(10):
        make_held(lane, owner=1001)
    _analyze()
    reclaim = leases.RECLAIM.replace("$1", "'{0,1001}'::bigint[]").replace("$2", "'{1001,2147483648}'::bigint[]")
    assert _rows_read_by(reclaim) == 0
