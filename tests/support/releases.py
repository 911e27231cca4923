"""Programs of this code and of an earlier one, side by side on one database and one Redis of their own.

The earlier code runs with the packages of the running interpreter, and gets nothing but the addresses of the servers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
import pytest
import requests
from cryptography.fernet import Fernet
from django.conf import settings
from redis import Redis
from redis.exceptions import ConnectionError as NotThere

from devtools.embedded.redis_server import redis_command
from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from environment.variables import BASE_DIR
from tests.support import programs
from tests.support.patience import wait_until

# The commit that installations run. docs/releasing.md says when another is named here. Not just any earlier commit: one
# half way through a change need not start.
PREVIOUS_RELEASE = "7116e75e672a7e2bf2ae3db22bf1e27dcf7472e9"
VARIABLE = "POSTBACKS_PREVIOUS_COMMIT"
_READY_SECONDS = 60
_STOP_SECONDS = 40


class Program:
    """A process in a group of its own, its output in a file."""

    def __init__(self, name: str, command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self.log = Path(variables["POSTBACKS_DATA_DIR"]) / f"{name}.log"
        with self.log.open("w") as output:
            self._process = programs.start(
                command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait_for(self, ready: str) -> None:
        """Until it has printed `ready`; one that ends before fails the test with all that it printed."""
        wait_until(lambda: ready in self.log.read_text() or self._process.poll() is not None, _READY_SECONDS, self.name)
        assert self._process.poll() is None, f"{self.name} has ended:\n{self.log.read_text()[-4000:]}"

    def stop(self) -> None:
        """As a deployment does it; what does not end in time is killed and fails the test."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise AssertionError(f"{self.name} does not stop:\n{self.log.read_text()[-4000:]}") from None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@dataclass(frozen=True)
class Release:
    """The code in `folder`, told by `variables` where its servers are."""

    name: str
    folder: Path
    variables: Mapping[str, str]
    started: list[Program]

    def manage(self, *arguments: str) -> str:
        """The output of a management command; one that fails, fails the test."""
        done = programs.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{self.name}: {arguments[0]}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def web(self) -> tuple[Program, str]:
        """A web that answers, and its address."""
        port = find_free()
        program = self._start("web", *web_command(self.folder, LOCALHOST, port))
        address = f"http://{LOCALHOST}:{port}"
        wait_until(lambda: _is_alive(address), _READY_SECONDS, program.name)
        return program, address

    def worker(self) -> Program:
        options = ("--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "info")
        return self._start("worker", "celery", "--app", "config", "worker", *options)

    def beat(self) -> Program:
        return self._start("beat", "celery", "--app", "config", "beat", "--loglevel", "info")

    def _start(self, kind: str, *module_and_arguments: str) -> Program:
        name = f"{self.name}-{kind}-{len(self.started)}"
        program = Program(name, [sys.executable, "-m", *module_and_arguments], self.folder, self.variables)
        self.started.append(program)
        return program


def web_command(folder: Path, address: str, port: int) -> tuple[str, ...]:
    """The module that is the web of the code in `folder`, with one process, and its arguments."""
    if (folder / "front").is_dir():
        return ("front", "--host", address, "--port", str(port), "--processes", "1")
    return ("gunicorn", "config.wsgi", "--bind", f"{address}:{port}", "--threads", "4", "--no-control-socket")


@contextmanager
def two_releases() -> Iterator[tuple[Release, Release, Servers]]:
    """The previous code and the present, on the same new servers; nothing of them runs on afterwards.

    Skips the test where the previous code cannot be had.
    """
    commit = previous_commit()
    with tempfile.TemporaryDirectory(prefix="releases-") as name, running_servers(Path(name)) as servers:
        folder = Path(name) / "previous"
        unpack(commit, folder)
        variables = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            **servers.variables,
            "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
            "POSTBACKS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "POSTBACKS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "POSTBACKS_DATA_DIR": name,
            "HTTPS_ONLY": "false",
            "PYTHONUNBUFFERED": "1",
        }
        started: list[Program] = []
        try:
            yield (
                Release("old", folder, variables, started),
                Release("new", BASE_DIR, variables, started),
                servers,
            )
        finally:
            for program in started:
                program.kill()


def previous_commit() -> str:
    """The full name of the commit that POSTBACKS_PREVIOUS_COMMIT says, or else of PREVIOUS_RELEASE."""
    if shutil.which("git") is None or not (BASE_DIR / ".git").exists():
        pytest.skip("The previous release is taken from git, and this is no checkout of it.")
    named = os.environ.get(VARIABLE)
    if named:
        return _git("rev-parse", "--verify", f"{named}^{{commit}}")
    if _git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip(f"A shallow clone lacks the previous release: git fetch --unshallow, or name one in {VARIABLE}.")
    return _git("rev-parse", "--verify", f"{PREVIOUS_RELEASE}^{{commit}}")


def unpack(commit: str, folder: Path) -> None:
    """Write the files of `commit` into `folder`. The repository is only read, so that nothing is left in it."""
    folder.mkdir()
    archive = subprocess.run(["git", "-C", str(BASE_DIR), "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)


@dataclass(frozen=True)
class Servers:
    """A new, empty database on the tests' PostgreSQL, and a new Redis that listens on a port."""

    place: Mapping[str, Any]
    variables: Mapping[str, str]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(**self.place)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def change(self, statement: str) -> None:
        with closing(psycopg2.connect(**self.place)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


@contextmanager
def running_servers(folder: Path, *, name: str = "releases", template: str = "template1") -> Iterator[Servers]:
    """The database is a copy of `template`, which nobody may be connected to."""
    given = settings.DATABASES["default"]
    keys = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    place = {name: given[key] for name, key in keys.items() if given.get(key)}
    name = f"{name}_{os.getpid()}"
    server = Servers({**place, "dbname": "postgres"}, {})
    port = find_free()
    options = ("--port", str(port), "--bind", LOCALHOST, "--save", "", "--dir", str(folder))
    redis = subprocess.Popen([redis_command()[0], *options], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port) and _pings(port), _READY_SECONDS, "Redis answers")
        server.change(f"CREATE DATABASE {name} TEMPLATE {template}")
        url = f"postgres:///{quote(name)}?{urlencode(place)}"
        variables = {"DATABASE_URL": url, "REDIS_URL": f"redis://{LOCALHOST}:{port}/0"}
        yield Servers({**place, "dbname": name}, variables)
    finally:
        redis.kill()
        redis.wait()
        server.change(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _is_alive(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def _pings(port: int) -> bool:
    with closing(Redis(host=LOCALHOST, port=port, socket_timeout=2)) as client:
        try:
            return bool(client.ping())
        except NotThere:
            return False


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(BASE_DIR), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments[0]}: {done.stderr}"
    return done.stdout.strip()
