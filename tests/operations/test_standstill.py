"""Whether postbacks go out: judged by what is due and what processes have done, and seen when workers are stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import psutil
import psycopg2
import pytest
from django.db import connection, transaction
from django.utils import timezone

from operations import readiness, standstill
from operations.asking import Asker
from operations.doctor.finding import Level
from operations.doctor.workers import look_at_workers
from operations.standstill import Sending, judge_sending, read_sending, read_trouble
from postbacks.delivery import heartbeat, trouble
from postbacks.models import Delivery, Lane, Pulse
from tests.support.bulk import make_due_deliveries
from tests.support.delivery_rows import engine_connection, make_delivery, make_lane
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers

DISK_FULL = trouble.KNOWN["53100"]


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        (Sending(due_seconds=0), None),
        (Sending(due_seconds=59), None),
        (Sending(due_seconds=600, recorded=59), None),
        (Sending(due_seconds=61, recorded=61), "workers live, but none takes any."),
        (Sending(due_seconds=61), "workers live, but none takes any."),
        (Sending(due_seconds=61, claimed=5), "to its end: workers claim them, but record no outcome."),
        (Sending(due_seconds=61, claimed=5, blocked=1), "a lock in the database holds up the workers."),
        (Sending(due_seconds=61, claimed=5, holder=77), "a lock in the database holds up the workers."),
    ],
)
def test_what_is_said_of_a_standstill(sending: Sending, said: str | None) -> None:
    judged = judge_sending(sending, None)
    if said is None:
        assert judged is None
    else:
        assert judged is not None
        assert judged[0].startswith(f"Deliveries have been due for {sending.due_seconds} s, and none is sent")
        assert judged[0].endswith(said)


def test_a_trouble_that_a_worker_has_met_with_is_told_while_nothing_moves() -> None:
    stuck = Sending(due_seconds=90, claimed=5)
    judged = judge_sending(stuck, DISK_FULL)
    assert judged == (
        "Deliveries have been due for 90 s, and none is sent: the disk of the database is full.",
        "Free space on it. Nothing is lost.",
    )
    assert judge_sending(Sending(due_seconds=90, recorded=1), DISK_FULL) is None


def error_of(state: str) -> psycopg2.Error:
    """As the server reports it."""
    with engine_connection() as engine, engine.cursor() as cursor, pytest.raises(psycopg2.Error) as error:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")
    return error.value


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_redis")
def test_workers_tell_their_trouble() -> None:
    assert read_trouble() is None
    trouble.tell(error_of("53100"))
    assert read_trouble() == DISK_FULL
    trouble.tell(error_of("22003"))
    told = read_trouble()
    assert told is not None
    assert "Could not record" in told.fix


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_redis")
def test_only_what_could_be_sent_counts_as_due() -> None:
    lane = make_lane()
    make_delivery(lane, due_in_seconds=-180)

    def due() -> float:
        with Asker(5) as asker:
            return read_sending(asker).due_seconds

    assert 170 < due() < 300
    lane.paused_at = timezone.now()
    lane.save()
    assert due() == 0
    lane.paused_at = None
    lane.save()
    now = timezone.now()
    Lane.objects.update_or_create(postback=lane, defaults={"held_since": now, "probe_at": now})
    assert due() == 0


@pytest.mark.django_db(transaction=True)
def test_the_newest_pulse_of_any_process_counts() -> None:
    for name, seconds in (("claim 1", 300), ("claim 2", 20), ("record 1", 100)):
        Pulse.objects.create(name=name, at=timezone.now() - timedelta(seconds=seconds))
    with Asker(5) as asker:
        read = read_sending(asker)
    assert read.claimed is not None
    assert read.recorded is not None
    assert 20 <= read.claimed < 100 <= read.recorded < 300


@pytest.mark.django_db(transaction=True)
def test_a_pulse_is_noted_once_a_second_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = heartbeat.ProcessPulse(heartbeat.CLAIM, 7)
    with engine_connection() as engine, engine.cursor() as cursor:
        pulse.note(cursor)
        noted = Pulse.objects.get(name="claim 7").at
        pulse.note(cursor)
        assert Pulse.objects.get(name="claim 7").at == noted
        monkeypatch.setattr(heartbeat, "NOTED_EVERY_SECONDS", 0.0)
        with transaction.atomic(), connection.cursor() as ours:
            ours.execute("LOCK postbacks_pulse IN EXCLUSIVE MODE")
            heartbeat.ProcessPulse(heartbeat.CLAIM, 7).note(cursor)
        heartbeat.ProcessPulse(heartbeat.CLAIM, 7).note(cursor)
    assert Pulse.objects.get(name="claim 7").at > noted


def ready() -> dict[str, Any]:
    readiness.all_checks.forget()
    return {check.name: check.fix for check in readiness.all_checks() if not check.ok}


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.django_db(transaction=True)
def test_workers_that_live_and_send_nothing_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "DUE_SECONDS", 4.0)
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 60.0)
    with ScriptedReceiver() as receiver, running_workers() as worker:
        lane = make_postback(make_tracker(), make_media_source(), url=f"{receiver.url}/in?a={{ActionId}}")
        make_due_deliveries(make_tracker(), [lane], 20)
        wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 20, 20, "all are delivered")
        assert ready() == {}
        with ExitStack() as standing:
            # Children that are awake take work without their parent.
            for process in (psutil.Process(worker.process.pid), *worker.children()):
                standing.enter_context(stopped(process))
            make_due_deliveries(make_tracker(), [lane], 20)
            wait_until(lambda: "sending" in ready(), 30, "the standstill is seen")
            assert "workers live, but none takes any. The parent process" in ready()["sending"]
            assert [check.name for check in readiness.web_checks() if not check.ok] == []
            with Asker(5) as asker:
                assert Level.ERROR in [finding.level for finding in look_at_workers(asker)]
        wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 40, 30, "they go on")
        assert ready() == {}
        with engine_connection() as other, other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK postbacks_attempt IN SHARE MODE")
            make_due_deliveries(make_tracker(), [lane], 20)
            wait_until(lambda: "a lock in the database" in ready().get("sending", ""), 40, "the lock is seen")
        wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 60, 60, "they go on")
        wait_until(lambda: ready() == {}, 20, "all is well")
