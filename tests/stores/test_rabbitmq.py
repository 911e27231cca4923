"""RabbitMQ as the broker: work goes out, also after it was away, and beat and the doctor know it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from partners.models import ActionTracker
from postbacks.delivery import heartbeat
from postbacks.models import Delivery, Pulse
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action
from tests.support.patience import wait_until
from tests.support.rabbitmq import RabbitMQ, running_rabbitmq
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess, start_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]

DELAY_SECONDS = 3


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    with running_rabbitmq() as server:
        yield server


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_postbacks_go_out_also_after_the_broker_was_away(
    rabbitmq: RabbitMQ, empty_redis: None, tracker: ActionTracker, kind: str
) -> None:
    queue = "postbacks" if kind == "classic" else "postbacks.quorum"
    variables = {"CELERY_BROKER_URL": rabbitmq.url, "RABBITMQ_QUEUES": kind}
    with (
        ScriptedReceiver() as receiver,
        start_worker(concurrency=1, variables=variables) as worker,
        CeleryProcess("beat", "beat", ready="is starting", variables=variables) as beat,
    ):
        make_postback(tracker, make_media_source(), url=receiver.url)
        delayed = make_tracker()
        make_postback(delayed, make_media_source(), url=receiver.url, minimum_delay_seconds=DELAY_SECONDS)
        wait_until(lambda: rabbitmq.length(queue)[1] == 1, 20, "the worker listens")
        assert beat.lives
        record_action(tracker)
        wait_until(lambda: len(receiver.arrivals) == 1, 20, "it goes out")
        record_action(delayed)
        wait_until(lambda: len(receiver.arrivals) == 2, 20, "what waits goes out")
        rabbitmq.kill()
        record_action(tracker)
        wait_until(lambda: len(receiver.arrivals) == 3, 20, "it goes out while the broker is away")
        rabbitmq.start()
        again = timezone.now()
        beats = Pulse.objects.filter(name=heartbeat.BEAT, at__gt=again)
        wait_until(beats.exists, 60, "beat's tasks come again")
        assert worker.lives
        assert not Delivery.objects.exclude(state="delivered").exists()
