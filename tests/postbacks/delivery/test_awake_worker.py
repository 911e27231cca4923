"""A worker process that no task reaches, because others are quicker to take them."""

from __future__ import annotations

import pytest

from partners.models import ActionTracker
from postbacks.delivery.redis import client
from tests.support.factories import make_media_source, make_postback, record_action
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess

OPTIONS = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--queues", "empty")


@pytest.mark.django_db(transaction=True)
def test_a_worker_process_takes_part_before_its_first_task(tracker: ActionTracker) -> None:
    client.flushdb()
    with ScriptedReceiver() as receiver, CeleryProcess("idle", "worker", *OPTIONS, ready=" ready."):
        make_postback(tracker, make_media_source(), url=receiver.url + "/in?delivery={DeliveryId}")
        record_action(tracker)
        receiver.wait_for(1, timeout=10)
