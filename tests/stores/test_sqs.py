"""Amazon SQS as the broker, as moto's server plays it: nobody's account is needed, and none is used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from django.utils import timezone

from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from partners.models import ActionTracker
from postbacks.delivery import heartbeat
from postbacks.models import Pulse
from tests.support.factories import make_media_source, make_postback, record_action
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess, start_worker


@contextmanager
def running_sqs() -> Iterator[str]:
    """Its URL."""
    pytest.importorskip("boto3", reason="What SQS needs is not installed (pip install 'celery[sqs]').")
    pytest.importorskip("moto.server", reason="moto's server is not installed (pip install 'moto[server]').")
    port = find_free()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", LOCALHOST, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with killed_afterwards(process):
        wait_until(lambda: answers(port), 30, "moto's server answers")
        yield f"http://{LOCALHOST}:{port}"


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_postbacks_go_out_and_beats_tasks_come_by_sqs(empty_redis: None, tracker: ActionTracker) -> None:
    with running_sqs() as url, ScriptedReceiver() as receiver:
        variables = {
            "CELERY_BROKER_URL": f"sqs://test:test@{url.removeprefix('http://')}",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        make_postback(tracker, make_media_source(), url=receiver.url, minimum_delay_seconds=2)
        with (
            start_worker(concurrency=1, variables=variables) as worker,
            CeleryProcess("beat", "beat", ready="is starting", variables=variables),
        ):
            began = timezone.now()
            wait_until(Pulse.objects.filter(name=heartbeat.BEAT, at__gt=began).exists, 30, "beat's tasks come")
            record_action(tracker)
            wait_until(lambda: len(receiver.arrivals) == 1, 30, "it goes out")
            assert worker.lives
        queues = requests.get(f"{url}/moto-api/data.json", timeout=10).json()["sqs"]["Queue"]
        assert len(queues) == 1, "no queue for each worker, which SQS would keep"
