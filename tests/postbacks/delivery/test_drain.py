"""A drain in this process, with a real sender and recorder: it ends, and what it has claimed never gets lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from psycopg2 import extensions
from pytest_django import Settings

from postbacks.delivery import claim, drain, rate_limit, ready_queue
from postbacks.delivery.capacity import Capacity
from postbacks.delivery.concurrency_limit import FIRST, ConcurrencyLimit
from postbacks.delivery.drain import DRAIN_FOR_SECONDS
from postbacks.delivery.outgoing import Outgoing, Timed
from postbacks.delivery.process import Engine
from postbacks.delivery.redis import client
from postbacks.models import Attempt, Delivery, Lane, Postback
from tests.support.bulk import add_due_deliveries, make_due_deliveries
from tests.support.delivery_rows import lane_scores, make_delivery, make_lane, redis_that_is_gone, terminate
from tests.support.patience import wait_until
from tests.support.receiver import Hang, ScriptedReceiver

pytestmark = pytest.mark.django_db(transaction=True)

HELD = ConcurrencyLimit().held  # At most, by a lane without an answer yet.


@pytest.fixture(autouse=True)
def old_redis(empty_redis: None, loopback_is_allowed: None) -> None:
    """One that has had its data for long: new lanes have slots at once."""
    rate_limit.look([(1, 1)])
    noted: object = client.get(rate_limit.EPOCH)
    assert isinstance(noted, bytes)
    client.set(rate_limit.EPOCH, noted.rpartition(b" ")[0] + b" 0")


def delivered() -> int:
    return Delivery.objects.filter(state="delivered").count()


def test_a_drain_sends_what_is_due_and_leaves_the_rest(engine: Engine, receiver: ScriptedReceiver) -> None:
    lane, paused = [make_lane(url=receiver.url + "/{DeliveryId}") for _ in range(2)]
    due, later, kept = make_delivery(lane), make_delivery(lane, due_in_seconds=30), make_delivery(paused)
    Postback.objects.filter(pk=paused.pk).update(paused_at=paused.created_at)
    ready_queue.wake({lane.pk: 0.0, paused.pk: 0.0})
    engine.drain()
    wait_until(lambda: delivered() == 1, 5, "it is delivered")
    assert [arrival.path for arrival in receiver.arrivals] == [f"/{due.pk}"]
    assert dict(Attempt.objects.values_list("delivery_id", "number")) == {due.pk: 1}
    assert {Delivery.objects.get(pk=one.pk).state for one in (later, kept)} == {"ready"}
    assert lane_scores() == {lane.pk: pytest.approx(30, abs=3)}
    wait_until(lambda: engine.capacity.total == 0, 5, "nothing is held any longer")


def test_a_drain_ends_while_there_is_more_and_posts_the_next(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under steady traffic there is always more: the worker would never sweep, and never shut down."""
    monkeypatch.setattr(drain, "LANES_PER_CLAIM", 1)
    client.zadd(ready_queue.LANES, dict.fromkeys(map(str, range(1, 50_001)), 0))
    started = time.monotonic()
    engine.drain()
    assert time.monotonic() - started >= DRAIN_FOR_SECONDS
    assert 0 < client.zcard(ready_queue.LANES) < 50_000
    assert client.llen("postbacks") >= 1  # A sweep that comes meanwhile posts one too.


def test_one_postback_that_cannot_be_used_takes_nothing_from_the_others(
    engine: Engine, receiver: ScriptedReceiver
) -> None:
    bad, good = make_lane(), make_lane(url=receiver.url)
    made = make_delivery(bad), make_delivery(good)
    Postback.objects.filter(pk=bad.pk).update(method="POST", body_format="json", body_pairs=[1])
    ready_queue.wake({bad.pk: 0.0, good.pk: 0.0})
    engine.drain()
    wait_until(lambda: delivered() == 1, 5, "the good one is delivered")
    wait_until(lambda: Delivery.objects.get(pk=made[0].pk).state == "failed", 5, "the bad one is given up")
    assert Delivery.objects.get(pk=made[0].pk).reason.startswith("The postback cannot be used: ")
    assert len(receiver.arrivals) == 1


def test_what_was_claimed_when_redis_went_away_is_not_kept(
    engine: Engine, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = [make_lane(url=receiver.url, maximum_requests=100) for _ in range(3)]
    made = [make_delivery(lane) for lane in limited for _ in range(HELD + 2)]
    reserve = rate_limit.reserve

    def reserve_once_more(*arguments: int) -> rate_limit.Slots:
        """Redis dies with the first lane's slots granted, while those of the other two are claimed already."""
        slots = reserve(*arguments)
        gone.__enter__()
        return slots

    gone = redis_that_is_gone(monkeypatch)
    ready_queue.wake({lane.pk: 0.0 for lane in limited})
    try:
        with monkeypatch.context() as patch:
            patch.setattr(rate_limit, "reserve", reserve_once_more)
            engine.drain()
        wait_until(lambda: engine.capacity.total == 0, 5, "nothing is held")
    finally:
        gone.__exit__(None, None, None)
    states = list(Delivery.objects.values_list("state", flat=True))
    assert len(states) == len(made)
    assert "sending" not in states
    assert states.count("delivered") == len(receiver.arrivals)
    # One whose slot passes while the machine does something else would need another.
    assert 0 < len(receiver.arrivals) <= HELD
    lanes = Delivery.objects.filter(state="delivered").values_list("postback", flat=True)
    assert len(set(lanes)) == 1, "the first lane"


@pytest.mark.parametrize("known", [0, 1], ids=["before the pulse", "between two claims"])
def test_what_was_claimed_when_the_connection_was_cut_is_not_kept(
    engine: Engine, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    lanes = [make_lane(url=receiver.url) for _ in range(2)]
    made = [make_delivery(lane, due_in_seconds=3600) for lane in lanes for _ in range(3)]
    ready_queue.wake({lane.pk: 0.0 for lane in lanes[:known]})
    engine.drain()  # Reads these, so that they are claimed from before the others are read.
    Delivery.objects.update(due_at=timezone.now())
    cuts: list[tuple[int, int]] = []

    def claim_and_cut(*arguments: Any, **named: Any) -> claim.Taken:
        taken = real(*arguments, **named)
        cuts.append((len(taken.claimed), terminate("claim")))
        return taken

    real = claim.claim
    ready_queue.wake({lane.pk: 0.0 for lane in lanes})
    with monkeypatch.context() as patch:
        patch.setattr(claim, "claim", claim_and_cut)
        patch.setattr(engine._drain._pulse, "_again_at", 0.0)
        engine.drain()
    assert cuts == [(3 if known else 6, 1)]
    wait_until(lambda: engine.capacity.total == 0, 5, "nothing is held")
    assert set(Delivery.objects.values_list("state", "attempts_made")) == {("ready", 0)}
    ready_queue.wake({lane.pk: 0.0 for lane in lanes})
    engine.drain()
    wait_until(lambda: delivered() == len(made), 5, "all are delivered")
    assert len(receiver.arrivals) == len(made), "each once"


def test_a_change_counts_for_the_next_delivery(engine: Engine, receiver: ScriptedReceiver) -> None:
    """A lane that is known is not read before the claim: the claim itself sees that it has changed."""
    lane = make_lane(url=receiver.url + "/before")
    for path, change in (
        ("/before", {}),
        ("/before", {}),
        ("/after", {"url": receiver.url + "/after"}),
        ("/limited", {"url": receiver.url + "/limited", "maximum_requests": 100}),
    ):
        Postback.objects.filter(pk=lane.pk).update(name=path, **change)
        make_delivery(lane)
        sent = len(receiver.arrivals)
        ready_queue.wake({lane.pk: 0.0})
        engine.drain()
        receiver.wait_for(sent + 1)
        assert receiver.arrivals[-1].path == path
    Postback.objects.filter(pk=lane.pk).update(paused_at=lane.created_at)
    kept = make_delivery(lane)
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    kept.refresh_from_db()
    assert kept.state == "ready", "paused"
    Postback.objects.filter(pk=lane.pk).update(paused_at=None)
    Lane.objects.create(postback=lane, held_since=timezone.now(), probe_at=timezone.now() + timedelta(seconds=60))
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    kept.refresh_from_db()
    assert kept.state == "ready", "held"
    assert lane_scores() == {lane.pk: pytest.approx(60, abs=5)}


def test_a_single_delivery_of_a_known_lane_takes_one_statement(
    engine: Engine, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = make_lane(url=receiver.url)
    make_delivery(lane)
    second = make_delivery(lane, due_in_seconds=3600)
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()  # Reads the lane, prepares the statement and compares the clocks.
    receiver.wait_for(1)
    Delivery.objects.filter(pk=second.pk).update(due_at=lane.created_at)
    ready_queue.wake({lane.pk: 0.0})
    statements: list[str] = []
    monkeypatch.setattr(engine._drain._pulse, "note", lambda _: None)
    engine._drain._session.cursor().connection.cursor_factory = noting(statements)
    engine.drain()
    receiver.wait_for(2)
    assert statements == [claim._CLAIM.execute]
    assert lane_scores() == {}


def noting(statements: list[str]) -> type[extensions.cursor]:
    class Noting(extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 -- psycopg2's name
            statements.append(query)
            super().execute(query, vars)

    return Noting


def test_a_lost_claim_connection_costs_a_round_and_no_delivery(
    engine: Engine, receiver: ScriptedReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    lane = make_lane(url=receiver.url)
    make_delivery(lane)
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    wait_until(lambda: delivered() == 1, 5, "the first is delivered")
    make_delivery(lane)
    assert terminate("claim") >= 1
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    assert "The drain was cut short" in caplog.text
    ready_queue.wake({lane.pk: 0.0})  # As the sweep does.
    engine.drain()
    wait_until(lambda: delivered() == 2, 5, "the second is delivered")
    assert len(receiver.arrivals) == 2


def test_a_process_holds_no_more_than_its_share_and_comes_back_for_the_rest(
    engine: Engine, receiver: ScriptedReceiver
) -> None:
    lane = make_lane(url=receiver.url)
    made = make_due_deliveries(lane.action_tracker, [lane], 200)
    ready_queue.wake({lane.pk: 0.0})
    deadline = time.monotonic() + 20
    while delivered() < len(made):
        assert time.monotonic() < deadline
        engine.drain()  # As the messages that it posts would have it.
        time.sleep(0.005)
    assert len(receiver.arrivals) == 200
    wait_until(lambda: engine.capacity.total == 0, 5, "nothing is held any longer")


def test_a_lane_without_room_is_left_to_others(engine: Engine) -> None:
    """Its receiver is slow, so this process would have room for more only later; another has it now."""
    with ScriptedReceiver(lambda _: Hang()) as receiver:
        lane = make_lane(url=receiver.url)
        make_due_deliveries(lane.action_tracker, [lane], 20)
        ready_queue.wake({lane.pk: 0.0})
        engine.drain()
        receiver.wait_for(FIRST)
        # Before it stops, which ends what is under way.
        assert Delivery.objects.filter(state="sending").count() == HELD
        assert lane_scores() == {lane.pk: pytest.approx(0, abs=3)}, "due, for whoever comes"


@pytest.mark.parametrize("priority", Delivery.Priority)
def test_only_live_traffic_waits_for_its_next_turn_behind_the_others(engine: Engine, priority: int) -> None:
    """Behind retries or replays something live may come, and go first."""
    with ScriptedReceiver(lambda _: Hang()) as receiver:
        lane = make_lane(url=receiver.url)
        make_due_deliveries(lane.action_tracker, [lane], 20)
        Delivery.objects.update(priority=priority)
        ready_queue.wake({lane.pk: 0.0})
        engine.drain()
        kept: Any = client.zrange(ready_queue.DEEP, 0, -1)
        assert [int(each) for each in kept] == ([lane.pk] if priority == Delivery.Priority.LIVE else [])
        assert lane_scores() == {lane.pk: pytest.approx(0, abs=3)}


class Noted(Outgoing):
    """Notes the lanes of what it is to send, and sends nothing."""

    def __init__(self) -> None:
        self.lanes: list[int] = []

    def send(self, ones: Sequence[Timed], *_: object) -> None:
        self.lanes += [claimed.postback_id for claimed, _ in ones]


def test_fewer_lanes_are_claimed_from_while_they_have_much_and_more_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("LANES_PER_CLAIM", 16), ("FEWEST_LANES", 4), ("ROWS_PER_CLAIM", 64)):
        monkeypatch.setattr(drain, name, value)
    asked: list[int] = []
    take_due = ready_queue.take_due

    def noted(most: int) -> list[int]:
        asked.append(most)
        return take_due(most)

    monkeypatch.setattr(ready_queue, "take_due", noted)
    lanes = [make_lane() for _ in range(16)]
    program = lanes[0].action_tracker.program_id
    one = drain.Drain(1, Capacity(), Noted(), lambda _: 1_000)

    def drained(each: int) -> list[int]:
        asked.clear()
        for lane in lanes:
            with connection.cursor() as cursor:
                add_due_deliveries(
                    cursor, program, lane.action_tracker_id, [lane.pk], each, orders=f"of {each}, number "
                )
        ready_queue.wake({lane.pk: 0.0 for lane in lanes})
        one.run(lambda: True)
        return asked

    try:
        assert drained(40)[:4] == [16, 8, 4, 4]
        assert drained(1)[-1] == 16
    finally:
        one.close()


def run_once(one: drain.Drain) -> None:
    """Runs it to its end, and closes it however that comes."""
    try:
        one.run(lambda: True)
    finally:
        one.close()


def test_lanes_take_turns_of_a_few_and_those_with_little_go_first() -> None:
    deep, quiet = [make_lane() for _ in range(2)], make_lane()
    for lane in deep:
        make_due_deliveries(lane.action_tracker, [lane], 6)
    make_delivery(quiet)
    noted = Noted()
    one = drain.Drain(1, Capacity(), noted, lambda _: 1_000)
    ready_queue.wake({lane.pk: 0.0 for lane in (*deep, quiet)})
    run_once(one)
    first, second = (lane.pk for lane in deep)
    assert noted.lanes == [quiet.pk, *[first] * 4, *[second] * 4, *[first] * 2, *[second] * 2]


def test_with_the_lanes_that_it_comes_back_to_a_process_claims_what_is_due_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain, "LANES_PER_CLAIM", 2)
    monkeypatch.setattr(drain, "FEWEST_LANES", 2)
    own, other = [make_lane() for _ in range(6)], make_lane()
    for lane in own:
        make_due_deliveries(lane.action_tracker, [lane], 6)
    make_delivery(other)
    noted = Noted()
    one = drain.Drain(1, Capacity(), noted, lambda _: 1_000)
    one.come_back_to([lane.pk for lane in own])
    ready_queue.wake({other.pk: 0.0})
    run_once(one)
    assert noted.lanes[0] == other.pk
    assert set(noted.lanes) == {lane.pk for lane in (*own, other)}


def test_a_process_comes_back_to_its_lane_without_redis(engine: Engine, receiver: ScriptedReceiver) -> None:
    """Another may have taken the lane out, and have no room for it."""
    lane = make_lane(url=receiver.url)
    make_due_deliveries(lane.action_tracker, [lane], 20)
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    for _ in range(10):
        wait_until(lambda: engine.capacity.total == 0, 5, "what it held is recorded")
        client.delete(ready_queue.LANES, ready_queue.DEEP)
        engine.drain()
    assert delivered() == 20


def test_stopping_returns_what_was_not_started_and_records_what_was(
    engine: Engine, receiver: ScriptedReceiver, settings: Settings
) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 1
    receiver.script = lambda _: Hang()
    lane = make_lane(url=receiver.url)
    make_due_deliveries(lane.action_tracker, [lane], 30)
    ready_queue.wake({lane.pk: 0.0})
    engine.drain()
    wait_until(lambda: len(receiver.arrivals) > 0, 5, "the first are in the air")
    engine.stop()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"ready"}
    attempted = Delivery.objects.filter(attempts_made=1).count()
    assert attempted == len(receiver.arrivals) == Attempt.objects.count()
    assert 0 < attempted < 30
