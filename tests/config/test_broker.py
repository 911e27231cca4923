"""Workers and beat where Redis hangs, or answers and refuses to write: they wait, and go on by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import pytest
from django.utils import timezone
from kombu import Connection

from partners.models import ActionTracker
from postbacks.delivery import heartbeat
from postbacks.models import Delivery, Pulse
from postbacks.tasks import sweep
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess, start_worker

pytestmark = pytest.mark.django_db(transaction=True)

PER_ROUND = 500
REFUSING_SECONDS = 8
REFUSALS = {"memory": "maxmemory", "disk": "MISCONF", "replica": "read only replica"}
MOST_LINES = 10  # Of each, whatever it tries in that time.
MESSAGES = 200  # The worker acknowledges one after the other for longer than it takes to freeze Redis.
HANG_SECONDS = 6.5  # Longer than the broker's socket timeout.


@pytest.fixture
def redis() -> Iterator[OwnRedis]:
    with own_redis() as server:
        yield server


def all_delivered() -> bool:
    return not Delivery.objects.exclude(state="delivered").exists()


def test_a_message_that_cannot_be_acknowledged_does_not_stop_the_worker(
    redis: OwnRedis, tracker: ActionTracker
) -> None:
    variables = {"REDIS_URL": redis.url}
    with (
        ScriptedReceiver() as receiver,
        CeleryProcess("beat", "beat", ready="is starting", variables=variables),
        start_worker(concurrency=1, variables=variables) as worker,
    ):
        postback = make_postback(tracker, make_media_source(), url=receiver.url)
        for round_ in count(1):
            make_due_deliveries(make_tracker(), [postback], PER_ROUND)
            with Connection(redis.url) as broker:
                for _ in range(MESSAGES):
                    sweep.apply_async(connection=broker)  # type: ignore[call-arg] # its stub lacks what it passes on
            wait_until(lambda: redis.client.hlen("unacked"), 20, "a message is with the worker")
            redis.freeze()
            time.sleep(HANG_SECONDS)
            redis.thaw()
            wait_until(all_delivered, 30, f"all of round {round_} are delivered")
            if "Couldn't ack" in worker.log.read_text():
                break
            assert round_ < 20, "Redis never hung while a message was acknowledged"
        make_due_deliveries(make_tracker(), [postback], PER_ROUND)
        wait_until(all_delivered, 20, "what comes later is delivered")


@pytest.mark.parametrize("how", REFUSALS)
def test_workers_and_beat_wait_while_redis_refuses_to_write_and_go_on(redis: OwnRedis, how: str) -> None:
    variables = {"REDIS_URL": redis.url}
    with (
        ScriptedReceiver() as receiver,
        CeleryProcess("beat", "beat", ready="is starting", variables=variables) as beat,
        start_worker(concurrency=1, variables=variables) as worker,
    ):
        postback = make_postback(make_tracker(), make_media_source(), url=receiver.url)
        before = {each: each.log.read_text() for each in (worker, beat)}
        with redis.refusing_to_write(how):
            make_due_deliveries(make_tracker(), [postback], PER_ROUND)
            time.sleep(REFUSING_SECONDS)
            assert worker.lives
            assert beat.lives
            for each, earlier in before.items():
                said = each.log.read_text().removeprefix(earlier)
                lines = [line for line in said.splitlines() if line.startswith("{")]  # Not the banner.
                assert len(lines) < MOST_LINES, lines[:100]
                assert any(REFUSALS[how] in line for line in lines), "it says what Redis says"
        again = timezone.now()
        wait_until(all_delivered, 40, "all are delivered")
        assert len(receiver.arrivals) == PER_ROUND
        beats = Pulse.objects.filter(name=heartbeat.BEAT, at__gt=again)
        wait_until(beats.exists, 40, "beat posts its tasks again")
