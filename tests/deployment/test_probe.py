"""deploy/probe.sh, and the files that it reads: a process that turns lives, one that does not hangs."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path
from threading import Event

import pytest
from pytest_django import Settings

from config.beat import Scheduler
from config.celery import app
from environment import alive
from environment.alive import AliveFile
from environment.variables import BASE_DIR
from postbacks.delivery.process import Engine
from tests.support.patience import wait_until

PROBE = BASE_DIR / "deploy" / "probe.sh"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(alive, "data_dir", lambda: tmp_path)
    return tmp_path


def probe(data: Path, kind: str = "worker") -> tuple[int, str]:
    done = subprocess.run(
        ["sh", str(PROBE), kind],
        env={**os.environ, "POSTBACKS_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def grow_old(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_it_tells_who_turns_who_hangs_and_who_is_gone(data: Path) -> None:
    assert probe(data) == (1, f"No worker has begun to work: there is no file of one in {data}/alive.\n")
    mine = AliveFile("worker")
    mine.note()
    assert probe(data) == (0, "")
    assert probe(data, "beat")[0] == 1

    killed = mine.path.with_name(mine.path.name.replace(f"-{os.getpid()}", "-4194305"))  # No process has this number.
    elsewhere = mine.path.with_name(f"worker-another-host-{os.getpid()}")
    for other in (killed, elsewhere):
        other.touch()
        grow_old(other, 3600)
    grow_old(mine.path, 50)
    assert probe(data) == (0, "")

    grow_old(mine.path, 90)
    code, said = probe(data)
    assert code == 1
    assert said.startswith(f"Process {os.getpid()} (worker) hangs: its loop has not turned for 9")

    alive.forget("worker")
    assert list(data.glob("alive/*")) == [elsewhere]


def test_it_takes_no_time(data: Path) -> None:
    AliveFile("worker").note()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert probe(data)[0] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


@pytest.mark.django_db(transaction=True)
def test_the_loop_that_sends_is_what_is_seen(data: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(alive, "EVERY_SECONDS", 0.0)
    settings.POSTBACKS_SHUTDOWN_TIMEOUT = 3
    engine = Engine()
    try:
        wait_until(lambda: probe(data)[0] == 0, 10, "it turns")
        (file,) = data.glob("alive/worker-*")
        grow_old(file, 90)
        wait_until(lambda: probe(data)[0] == 0, 10, "it turns again")
        stuck, held = Event(), Event()

        def hang() -> None:
            held.set()
            stuck.wait(30)

        with monkeypatch.context() as patched:
            patched.setattr(engine._sender, "_turn_once", hang)
            assert held.wait(10)
            grow_old(file, 90)
            assert probe(data)[0] == 1
        stuck.set()
    finally:
        stuck.set()
        engine.stop()
    assert not file.exists()


def test_beat_is_seen_by_its_turns(data: Path) -> None:
    scheduler = Scheduler(app, schedule={}, lazy=True)
    scheduler.tick()
    assert probe(data, "beat") == (0, "")


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(alive, "data_dir", lambda: tmp_path / "file")
    one = AliveFile("worker")
    one.note()
    one.remove()
    alive.forget("worker")
