"""Which broker a URL names, how Celery is set up for it, and what the doctor says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from config.celery import app
from devtools.up.ports import find_free
from environment.addresses import LOCALHOST
from environment.variables import BASE_DIR
from operations.doctor.broker import judge_queue, look_at_broker
from operations.doctor.finding import Level
from postbacks.delivery import ready_queue
from stores.broker import Broker, broker_of, celery_settings
from stores.broker_state import QueueState
from tests.support.workers import CeleryProcess


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://one/0", Broker.REDIS),
        ("rediss://:p@one/0?ssl_ca_certs=/ca.crt", Broker.REDIS),
        ("redis+socket:///run/redis.sock", Broker.REDIS),
        ("unix:///run/redis.sock?db=2", Broker.REDIS),
        ("sentinel://one/0?service=name", Broker.REDIS),
        ("amqp://u:p@one//", Broker.RABBITMQ),
        ("amqps://u:p@one/host", Broker.RABBITMQ),
        ("sqs://", Broker.SQS),
    ],
    ids=["redis", "rediss", "socket", "unix", "sentinel", "amqp", "amqps", "sqs"],
)
def test_a_url_names_its_broker(url: str, broker: Broker) -> None:
    assert broker_of(url) is broker
    celery_url = celery_settings(url, quorum=False)["CELERY_BROKER_URL"]
    assert broker_of(celery_url) is broker, "also in Celery's words"


def test_a_socket_is_named_in_celerys_words() -> None:
    settings = celery_settings("unix://:secret@/run/redis.sock?db=2", quorum=False)
    assert settings["CELERY_BROKER_URL"] == "redis+socket://:secret@/run/redis.sock?virtual_host=2"


def test_another_broker_is_refused_with_what_to_write() -> None:
    with pytest.raises(
        ValueError, match=r"begins with kafka://, which is not supported\. Begin it with one of redis://"
    ):
        celery_settings("kafka://one", quorum=False)


def test_no_countdown_is_longer_than_a_broker_keeps_a_message() -> None:
    for url in ("redis://one/0", "sentinel://one/0?service=name", "sqs://"):
        options = celery_settings(url, quorum=False)["CELERY_BROKER_TRANSPORT_OPTIONS"]
        assert options["visibility_timeout"] * 1000 > ready_queue.LOOK_AHEAD_MS
    assert ready_queue.LOOK_AHEAD_MS < 15 * 60 * 1000, "what SQS counts down"


@pytest.mark.parametrize(
    ("waiting", "workers", "level", "words"),
    [
        (3, 2, Level.OK, "3 messages wait in postbacks"),
        (3, None, Level.OK, "3 messages wait in postbacks"),
        (3, 0, Level.WARNING, "No worker takes messages from postbacks"),
        (21, 2, Level.WARNING, "beat posts no more until workers take them"),
    ],
    ids=["well", "not told", "no worker", "full"],
)
def test_the_doctor_says_whether_workers_take_messages(
    waiting: int, workers: int | None, level: Level, words: str
) -> None:
    *_, last = judge_queue(Broker.RABBITMQ, QueueState("postbacks", "RabbitMQ 3.10", waiting, workers))
    assert last.level is level
    assert words in last.what


@pytest.mark.worker
def test_the_doctor_says_that_a_broker_is_away() -> None:
    where = f"{LOCALHOST}:{find_free()}"
    say = (
        "import django; django.setup(); import config.celery; from operations.doctor.broker import look_at_broker; "
        "print([(each.what, each.fix) for each in look_at_broker()])"
    )
    variables = {"CELERY_BROKER_URL": f"amqp://{where}//", "DJANGO_SETTINGS_MODULE": "config.settings"}
    command, environment = [sys.executable, "-c", say], {**os.environ, **variables}
    done = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert "RabbitMQ cannot be used" in done.stdout
    assert "Start the broker, or correct host and port in CELERY_BROKER_URL." in done.stdout


def test_redis_as_the_broker_has_its_own_findings() -> None:
    assert list(look_at_broker()) == []


def test_whatever_a_broker_raises_is_no_more_than_a_warning(
    empty_redis: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class OwnError(Exception):
        """As botocore's, which is of no kind that others know."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OwnError("There is no such queue.")

    monkeypatch.setattr("celery.app.base.Celery.send_task", refuse)
    ready_queue.wake({1: 0.0})
    assert "There is no such queue" in caplog.text


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_of_its_tasks_where_it_is_asked_to(empty_redis: None) -> None:
    options = ("--concurrency", "1", "--without-gossip", "--without-mingle", "-E")
    seen: set[str] = set()
    expected = {"worker-heartbeat", "task-received", "task-succeeded"}
    with CeleryProcess("worker", "worker", *options, ready=" ready."), app.connection() as connection:

        def note(event: dict[str, Any]) -> None:
            if not seen:
                app.send_task("postbacks.tasks.sweep")  # What came before this one listened is gone.
            seen.add(event["type"])
            receiver.should_stop = expected <= seen

        receiver = app.events.Receiver(connection, handlers={"*": note})
        receiver.capture(limit=None, timeout=60, wakeup=False)
    assert expected <= seen
