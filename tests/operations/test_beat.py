"""Beat posts what workers know; as a process it ends when told to, also while Redis confirms nothing."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from celery.beat import ScheduleEntry
from django.conf import settings

from config import celery_app
from config.beat import MOST_WAITING, Scheduler
from config.intervals import Interval
from environment.variables import BASE_DIR
from postbacks.delivery.redis import client
from tests.support import programs
from tests.support.patience import PATIENCE, wait_until
from tests.support.workers import CeleryProcess

LOCALHOST = "127.0.0.1"


def test_a_worker_knows_every_task_that_beat_posts() -> None:
    # In a process of its own: tests import tasks that a worker might not find.
    asked = "from config import celery_app as app; app.loader.import_default_modules(); print(*app.tasks)"
    done = programs.run([sys.executable, "-c", asked], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(done.stdout.split())


class Between:
    """Stands between a client and Redis, and keeps the answers to itself once a message has been posted."""

    def __init__(self) -> None:
        self.server = socket.create_server((LOCALHOST, 0))
        self.posted = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://{LOCALHOST}:{self.server.getsockname()[1]}/0"

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self.server.accept()
            except OSError:
                return
            connection: Any = client.connection_pool.make_connection()
            connection.connect()
            there: socket.socket = connection._sock
            threading.Thread(target=self._pass, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(there, here, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        try:
            while data := source.recv(65_536):
                if asks and b"LPUSH" in data:
                    self.posted.set()
                if asks or not self.posted.is_set():
                    target.sendall(data)
        except OSError:
            return


@contextmanager
def between() -> Iterator[Between]:
    stands = Between()
    try:
        yield stands
    finally:
        stands.server.close()


@pytest.mark.usefixtures("empty_redis")
def test_beat_posts_no_more_while_nobody_takes_its_messages() -> None:
    queue = settings.CELERY_TASK_DEFAULT_QUEUE
    client.rpush(queue, *["taken by nobody"] * (MOST_WAITING - 2))
    with CeleryProcess("beat-alone", "beat", ready="is starting"):
        wait_until(lambda: client.llen(queue) >= MOST_WAITING, 20, "two more are posted")
        time.sleep(3)  # Long enough for six.
        assert client.llen(queue) == MOST_WAITING
        client.delete(queue)
        wait_until(lambda: client.llen(queue), 20, "it goes on")
    client.delete(queue)


@pytest.mark.usefixtures("empty_redis")
def test_beat_ends_at_once_while_redis_hangs() -> None:
    with (
        between() as redis,
        CeleryProcess("beat-hung", "beat", ready="is starting", variables={"REDIS_URL": redis.url}) as beat,
    ):
        wait_until(redis.posted.is_set, 20, "a message is posted")
        time.sleep(0.2)
        beat.process.terminate()
        assert beat.process.wait(PATIENCE * 20) == 0


class FakeBeat(Scheduler):
    """Beat by a wall clock of the test's, which stands still but for what beat takes; it keeps what it would post."""

    producer = None  # type: ignore[assignment]  # It would connect to Redis.

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = datetime.now(UTC).replace(microsecond=100_000)  # No task's moment.
        self.posted: list[str] = []
        self.moments: list[datetime] = []
        monkeypatch.setattr(celery_app, "now", lambda: self.clock)
        super().__init__(app=celery_app)

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:  # noqa: ARG002 -- Celery's signature
        self.posted.append(str(entry.name))
        self.moments.append(self.clock)

    def run(self, seconds: float) -> list[str]:
        """What it posts within so many seconds."""
        self.posted, self.moments = [], []
        while seconds > 0:
            slept = min(max(self.tick(), 0.001), seconds)  # No tick takes no time.
            self.clock += timedelta(seconds=slept)
            seconds -= slept
        return self.posted


@pytest.mark.parametrize("jumps", [(3600, -3600), (-3600, 3600), (-2, 0)], ids=["ahead", "behind", "a little"])
def test_beat_goes_on_when_its_clock_jumps_and_when_it_is_set_right(
    monkeypatch: pytest.MonkeyPatch, jumps: tuple[int, int]
) -> None:
    beat = FakeBeat(monkeypatch)
    assert beat.run(50).count("sweep") >= 9
    for seconds in jumps:
        beat.clock += timedelta(seconds=seconds)
        posted = beat.run(50)
        assert 9 <= posted.count("sweep") <= 11
        assert posted.count("notify") in (1, 2, 3)


def test_no_two_tasks_come_at_the_same_moment_however_long_beat_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    beat = FakeBeat(monkeypatch)
    beat.schedule = {name: entry for name, entry in beat.schedule.items() if isinstance(entry.schedule, Interval)}
    beat.run(600)
    assert {name: beat.posted.count(name) for name in ("sweep", "replay", "fold", "notify", "mature")} == {
        "sweep": 120,
        "replay": 120,
        "fold": 120,
        "notify": 20,
        "mature": 10,
    }
    assert min(after - before for before, after in pairwise(beat.moments)) > timedelta(seconds=0.2)


def test_a_task_that_was_late_comes_once_and_then_at_its_place_again(monkeypatch: pytest.MonkeyPatch) -> None:
    beat = FakeBeat(monkeypatch)
    beat.run(10)
    beat.clock += timedelta(seconds=7.2)
    assert beat.run(0.01).count("sweep") == 1
    beat.run(15)
    sweeps = [at for name, at in zip(beat.posted, beat.moments, strict=True) if name == "sweep"]
    assert len(sweeps) == 3
    assert all(at.microsecond < 10_000 for at in sweeps)


def test_a_copy_of_an_interval_has_the_same_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = deepcopy(Interval(5, place=2.75))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    found = []
    for seconds in (2.7, 2.8, 4.9):
        monkeypatch.setattr(copied, "nowfun", partial(datetime.fromtimestamp, noon.timestamp() + seconds, UTC))
        found.append(copied.is_due(noon).is_due)
    assert found == [False, True, True]
