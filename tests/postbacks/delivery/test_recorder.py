"""The recorder's thread against a real server that hangs up: it keeps its batch, and never dies with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import pytest
from django.db import connection as django_connection

from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import recorder as recorder_module
from postbacks.delivery.aftermath import FollowUp
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Released, Retry, Sent
from postbacks.delivery.ownership import Ownership
from postbacks.delivery.recorder import LEFT_TO_SEND, MANY, MAX_BATCH, Recorder
from postbacks.models import Attempt, Delivery, Lane, Postback
from tests.support.delivery_rows import (
    OWNER,
    claimed,
    engine_connection,
    held_up,
    make_answer,
    make_delivery,
    make_held,
    make_lane,
    prepared,
    sent,
    terminate,
    waits_for_a_lock,
)
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Calls:
    """What the recorder reports, idle rounds apart."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.due: list[dict[int, float]] = []
        self.idle_rounds = 0
        self.fail_next = False

    def on_recorded(self, batch: Sequence[Judged], follow_up: FollowUp) -> None:
        if not batch:
            self.idle_rounds += 1
            return
        self.batches.append([judged.claimed.delivery_id for judged in batch])
        self.due.append(follow_up.due)
        if self.fail_next:
            self.fail_next = False
            raise RuntimeError("the listener has a bug")

    @property
    def recorded(self) -> list[int]:
        return [one for batch in self.batches for one in batch]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def recorder(db: None, calls: Calls) -> Iterator[Recorder]:
    recorder = Recorder(OWNER, calls.on_recorded)
    recorder.start()
    assert recorder.wait_healthy(5)
    yield recorder
    recorder.stop(10)
    assert not recorder._thread.is_alive()


def judged(delivery: Delivery, outcome: Outcome) -> Judged:
    one = claimed(delivery)
    return Judged(one, outcome, None if isinstance(outcome, Released) else sent(prepared(one)))


def lock_holders() -> list[int]:
    """The server's processes that hold the owner's lock."""
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s",
            [LEASE_LOCKS, OWNER],
        )
        return [pid for (pid,) in cursor.fetchall()]


def states(*deliveries: Delivery) -> list[str]:
    by_pk = dict(Delivery.objects.values_list("pk", "state"))
    return [by_pk[one.pk] for one in deliveries]


def test_it_is_healthy_while_it_holds_the_owners_lock(calls: Calls) -> None:
    recorder = Recorder(OWNER, calls.on_recorded)
    assert not recorder.healthy
    recorder.start()
    assert recorder.wait_healthy(5)
    assert recorder.healthy
    assert len(lock_holders()) == 1
    recorder.stop(5)
    assert not recorder.healthy
    wait_until(lambda: lock_holders() == [], 5, "the lock goes with the connection")


def test_what_comes_together_is_written_together_and_reported(
    recorder: Recorder, calls: Calls, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make_held(lane) for _ in range(4)]
    outcomes: list[Outcome] = [Delivered("Fine."), Retry("Later.", 300.0), Retry("Later.", 30.0), Released()]
    monkeypatch.setattr(recorder_module, "LOCK_TIMEOUT_MS", 60_000)
    assert terminate("recorder") == 1  # So that it waits on its next connection.
    wait_until(lambda: not recorder.healthy, 5, "it notices")
    assert recorder.wait_healthy(5)
    with held_up(made[0]):
        recorder.put(judged(made[0], outcomes[0]))
        wait_until(lambda: waits_for_a_lock("recorder"), 5, "the first batch is being written")
        for one, outcome in zip(made[1:], outcomes[1:], strict=True):
            recorder.put(judged(one, outcome))
    wait_until(lambda: len(calls.recorded) == 4, 5, "all are recorded")
    assert calls.batches == [[made[0].pk], [one.pk for one in made[1:]]]
    assert calls.due == [{}, {lane.pk: 30.0}]
    assert states(*made) == ["delivered", "ready", "ready", "ready"]


@pytest.mark.parametrize(
    ("before", "waiting", "to_send", "gathers"),
    [
        (0, 1, LEFT_TO_SEND, False),
        (0, MANY - 1, LEFT_TO_SEND, False),
        (0, MANY, LEFT_TO_SEND, True),
        (0, MANY, LEFT_TO_SEND - 1, False),
        (0, MAX_BATCH, LEFT_TO_SEND, False),
        (MANY - 1, 1, LEFT_TO_SEND, False),
        (MANY, 1, LEFT_TO_SEND, True),
        (MANY, 1, LEFT_TO_SEND - 1, False),
        (MANY, MAX_BATCH, LEFT_TO_SEND, False),
    ],
)
def test_a_batch_waits_for_more_only_where_many_come_and_the_sender_has_enough_to_do(
    monkeypatch: pytest.MonkeyPatch, before: int, waiting: int, to_send: int, gathers: bool
) -> None:
    held = [0]
    recorder = Recorder(OWNER, lambda _batch, _follow_up: None, held=lambda: held[0])
    one = Judged(claimed(), Released(), None)
    monkeypatch.setattr("postbacks.delivery.recorder.time.sleep", lambda _: recorder.put(one))
    monkeypatch.setattr("postbacks.delivery.recorder.IDLE_WAIT_SECONDS", 0.01)
    for count, left in ((before, 0), (waiting, to_send)):
        for _ in range(count):
            recorder.put(one)
        held[0] = count + left
        batch = recorder._next_batch()
    assert len(batch) == waiting + gathers


@pytest.mark.parametrize("outcome", [Delivered("Fine."), GaveUp("Gone.")])
def test_the_next_of_a_chain_comes_free_and_its_lane_is_named(
    recorder: Recorder, calls: Calls, lane: Postback, outcome: Outcome
) -> None:
    first = make_held(lane)
    second = make_delivery(lane, first.event, state="blocked", due_in_seconds=-5)
    recorder.put(judged(first, outcome))
    wait_until(lambda: calls.batches, 5, "it is recorded")
    assert states(second) == ["ready"]
    assert calls.due == [{lane.pk: pytest.approx(-5, abs=3)}]


def test_a_retry_keeps_its_chain_waiting(recorder: Recorder, calls: Calls, lane: Postback) -> None:
    first = make_held(lane)
    second = make_delivery(lane, first.event, state="blocked")
    recorder.put(judged(first, Retry("Later.", 30.0)))
    wait_until(lambda: calls.batches, 5, "it is recorded")
    assert states(first, second) == ["ready", "blocked"]
    assert calls.due == [{lane.pk: 30.0}]


def test_a_batch_outlives_the_connection_that_it_was_being_written_on(
    recorder: Recorder, calls: Calls, lane: Postback
) -> None:
    made = [make_held(lane) for _ in range(3)]
    with held_up(made[0]):
        for one in made:
            recorder.put(judged(one, Delivered("Fine.")))
        wait_until(lambda: waits_for_a_lock("recorder"), 5, "the batch is being written")
        assert terminate("recorder") == 1
        wait_until(lambda: not recorder.healthy, 5, "it notices")
    wait_until(lambda: len(calls.recorded) == 3, 5, "all are recorded")
    assert states(*made) == ["delivered"] * 3
    assert list(Attempt.objects.order_by("delivery").values_list("delivery", "number")) == [(one.pk, 1) for one in made]
    wait_until(lambda: recorder.healthy, 5, "it is healthy again")
    assert len(lock_holders()) == 1


def test_an_idle_recorder_notices_that_its_lock_is_lost_and_takes_it_again(recorder: Recorder, calls: Calls) -> None:
    (before,) = lock_holders()
    assert terminate("recorder") == 1
    wait_until(lambda: lock_holders() not in ([before], []), 5, "the lock is taken on a new connection")
    wait_until(lambda: recorder.healthy, 5, "it is healthy again")
    assert len(lock_holders()) == 1
    assert calls.batches == []


def test_a_batch_that_cannot_be_written_for_a_bug_takes_nothing_else_with_it(
    recorder: Recorder, calls: Calls, lane: Postback
) -> None:
    """What became of it is recorded, only not its attempt."""
    broken, fine = make_held(lane), make_held(lane)
    bad = judged(broken, Delivered("Fine."))
    recorder.put(bad._replace(sent=cast("Sent", "not what it should be")))
    wait_until(lambda: calls.batches, 5, "it is given up")
    recorder.put(judged(fine, Delivered("Fine.")))
    wait_until(lambda: len(calls.batches) == 2, 5, "the other one is recorded")
    assert calls.recorded == [broken.pk, fine.pk]
    assert states(broken, fine) == ["delivered", "delivered"]
    assert list(Attempt.objects.values_list("delivery", flat=True)) == [fine.pk]
    assert recorder.healthy


def test_a_locked_row_waits_with_its_attempt_and_its_successor_while_all_else_goes_on(
    recorder: Recorder, calls: Calls, lane: Postback, caplog: pytest.LogCaptureFixture
) -> None:
    locked, free = make_held(lane), make_held(lane)
    successor = make_delivery(lane, locked.event, state="blocked")
    with held_up(locked):
        for one in (locked, free):
            recorder.put(judged(one, Delivered("Fine.")))
        wait_until(lambda: calls.recorded == [free.pk], 5, "the other is recorded")
        later = make_held(lane)
        recorder.put(judged(later, Delivered("Fine.")))
        wait_until(lambda: calls.recorded == [free.pk, later.pk], 5, "and so is what comes later")
        assert states(locked, successor) == ["sending", "blocked"]
        assert recorder.healthy
        assert f"delivery {locked.pk} of postback {lane.pk}, locked by session" in caplog.text
        assert "(postbacks test, user" in caplog.text
    wait_until(lambda: calls.recorded == [free.pk, later.pk, locked.pk], 5, "it is recorded when it is free")
    assert states(locked, free, later, successor) == ["delivered", "delivered", "delivered", "ready"]
    assert sorted(Attempt.objects.values_list("delivery", flat=True)) == sorted([locked.pk, free.pk, later.pk])


@pytest.mark.parametrize("table", ["postbacks_lane", "postbacks_postback"])
def test_a_locked_lane_holds_up_no_outcome_and_learns_later(
    recorder: Recorder, calls: Calls, lane: Postback, table: str
) -> None:
    """Three that are gone in a row pause a postback: both rows are to be written."""
    other = make_lane()
    Lane.objects.bulk_create([Lane(postback=lane), Lane(postback=other)])
    made = [make_held(each) for each in (lane, lane, lane, other, other, other)]
    key = {"postbacks_lane": "postback_id", "postbacks_postback": "id"}[table]
    with engine_connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT 1 FROM {table} WHERE {key} = %s FOR UPDATE", [lane.pk])  # noqa: S608 -- ours
        for one in made:
            answered = judged(one, GaveUp("Gone."))
            assert answered.sent is not None
            recorder.put(answered._replace(sent=answered.sent._replace(answer=make_answer(410))))
        wait_until(lambda: sorted(calls.recorded) == [one.pk for one in made], 5, "all are recorded")
        paused = Postback.objects.filter(paused_at__isnull=False)
        wait_until(lambda: [each.pk for each in paused.all()] == [other.pk], 5, "the other lane has learnt")
        assert states(*made) == ["failed"] * 6
    wait_until(lambda: paused.count() == 2, 5, "so has the lane, now that it is free")


def test_an_idle_recorder_keeps_asking_whether_its_lock_is_held(db: None, calls: Calls) -> None:
    ownership = Ownership()
    recorder = Recorder(OWNER, calls.on_recorded, ownership)
    recorder.start()
    try:
        assert recorder.wait_healthy(5)
        wait_until(lambda: calls.idle_rounds >= 50, 20, "it is idle for longer than its word is good")
        assert ownership.certain
        assert ownership.tenure == 0
        assert terminate("recorder") == 1
        wait_until(lambda: ownership.tenure == 1, 5, "what was claimed before is not its own for certain")
        wait_until(lambda: ownership.certain, 5, "what is claimed now is")
    finally:
        recorder.stop(5)


def test_a_listener_that_raises_does_not_end_it(recorder: Recorder, calls: Calls, lane: Postback) -> None:
    first, second = make_held(lane), make_held(lane)
    calls.fail_next = True
    recorder.put(judged(first, Delivered("Fine.")))
    wait_until(lambda: calls.batches, 5, "the first is recorded")
    recorder.put(judged(second, Delivered("Fine.")))
    wait_until(lambda: len(calls.batches) == 2, 5, "the second is recorded")
    assert states(first, second) == ["delivered", "delivered"]


def test_stopping_writes_what_is_queued(recorder: Recorder, calls: Calls, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(3)]
    for one in made:
        recorder.put(judged(one, Delivered("Fine.")))
    recorder.stop(10)
    assert states(*made) == ["delivered"] * 3
    assert sorted(calls.recorded) == [one.pk for one in made]


def test_idle_it_reports_often_that_there_was_nothing(recorder: Recorder, calls: Calls) -> None:
    wait_until(lambda: calls.idle_rounds >= 5, 5, "idle rounds")
    assert calls.batches == []
