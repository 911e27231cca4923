"""Real Celery processes on the test database: a worker with its children, and beat."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import psutil
from django.conf import settings
from django.db import connection

from environment.variables import BASE_DIR
from postbacks.delivery.redis import client
from tests.support import programs
from tests.support.fork_server import ForkedProgram, serves
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards

Command = Callable[..., subprocess.Popen[str]]

_READY_SECONDS = 60  # On a machine with much else to do.
_STOP_SECONDS = 40


class CeleryProcess:
    """`celery -A config ...` in a process group of its own, its output in a file; as a block, it stops at its end."""

    def __init__(self, name: str, *arguments: str, ready: str, variables: Mapping[str, str] | None = None) -> None:
        self.log = Path(settings.DATA_DIR) / f"{name}.log"
        self.log.write_text("")
        self.process: ForkedProgram | subprocess.Popen[bytes]
        command = ["-A", "config", *arguments, "--loglevel", "info"]
        forks = variables is None and serves(environment())
        self.process = self._forked(command) if forks else self._started(command, variables or {})
        try:
            wait_until(lambda: ready in self.log.read_text() or not self.lives, _READY_SECONDS, f"{name} starts")
            assert self.lives
        except BaseException as problem:
            self._kill_group()
            raise AssertionError(f"{name} does not start:\n{self.log.read_text()[-4000:]}") from problem

    def _forked(self, command: list[str]) -> ForkedProgram:
        return ForkedProgram(command, self.log, environment())

    def _started(self, command: list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Started anew, because settings are read once."""
        with self.log.open("w") as output:
            return programs.start(
                [sys.executable, "-m", "celery", *command],
                cwd=BASE_DIR,
                env={**os.environ, **environment(), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._kill_group()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """`kill -9` of the parent alone; its children notice by themselves."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """A warm shutdown, as a deployment does it; what does not end in time fails the test."""
        if self.lives:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill_group()
                raise AssertionError(f"the process does not stop:\n{self.log.read_text()[-4000:]}") from None

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):  # All have ended.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_worker(
    name: str = "worker", concurrency: int = 2, variables: Mapping[str, str] | None = None
) -> CeleryProcess:
    options = ("--concurrency", str(concurrency), "--without-gossip", "--without-mingle")
    return CeleryProcess(name, "worker", *options, ready=" ready.", variables=variables)


@contextmanager
def running_workers(concurrency: int = 2, variables: Mapping[str, str] | None = None) -> Iterator[CeleryProcess]:
    """A worker and beat, for as long as the block lasts; nothing of an earlier test is in Redis.

    `variables` come on top of their environment.
    """
    client.flushdb()
    with (
        start_worker(concurrency=concurrency, variables=variables) as worker,
        CeleryProcess("beat", "beat", ready="is starting", variables=variables),
    ):
        yield worker


@contextmanager
def commands(name: str) -> Iterator[Command]:
    """Starts that management command on the test database, its output on pipes; what outlives the block is killed."""
    with ExitStack() as started:

        def start(*arguments: object) -> subprocess.Popen[str]:
            process = programs.start(
                [sys.executable, "manage.py", name, *map(str, arguments)],
                cwd=BASE_DIR,
                env={**os.environ, **environment()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.enter_context(killed_afterwards(process))
            return process

        yield start


def manage(variables: Mapping[str, str], *arguments: str) -> str:
    """The output of a management command on the test database; one that fails, fails the test.

    `variables` come on top of its environment.
    """
    done = programs.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, **environment(), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def environment() -> dict[str, str]:
    """The test's database and networks, for a process that reads settings anew."""
    database = settings.DATABASES["default"]
    place = {name.lower(): database[name] for name in ("HOST", "PORT", "USER", "PASSWORD") if database.get(name)}
    return {
        "DATABASE_URL": f"postgres:///{quote(connection.settings_dict['NAME'])}?{urlencode(place)}",
        "DATABASE_DIRECT_URL": "",
        "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
        "POSTBACKS_ENCRYPTION_KEYS": ",".join(settings.POSTBACKS_ENCRYPTION_KEYS),
        "POSTBACKS_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
