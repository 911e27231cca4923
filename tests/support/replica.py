"""A real streaming replica of the tests' PostgreSQL, made with pg_basebackup; its replay can be paused."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import psycopg2
import pytest
from django.conf import settings
from django.db import connection, connections

from devtools.embedded import privileges
from devtools.embedded.postgres import _reachable, postgres_dir
from postbacks.delivery.redis import client as redis
from stores.replica import marks
from stores.replica.backend.base import DatabaseWrapper
from stores.replica.connection import replica_of
from stores.replica.positions import COMMITTED, position
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards

# Small, as it serves a few reads; as many connections as the primary allows, or it would not start. What stands in the
# way of the primary's changes gives way soon.
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "max_standby_streaming_delay": "100ms",
    "wal_retrieve_retry_interval": "100ms",
}


class Replica:
    """`place` is where it listens; what is committed is there a moment later, unless replay is paused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.place = {"HOST": str(folder), "USER": settings.DATABASES["default"]["USER"]}

    @property
    def url(self) -> str:
        return f"postgres:///{connection.settings_dict['NAME']}?host={self._folder}&user={self.place['USER']}"

    @property
    def database(self) -> dict[str, Any]:
        """The entry of DATABASES, as the settings make it, for the test's database."""
        default = connection.settings_dict
        return {**default, **replica_of({"NAME": default["NAME"], "PASSWORD": "", "PORT": "", **self.place})}

    def start(self) -> None:
        options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [program("postgres", self._folder), "-D", str(self._folder), "-k", str(self._folder), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*privileges.drop_root(self._folder), *command], stdout=log, stderr=log, cwd="/"
            )
        wait_until(self._answers, 20, "the replica answers")

    def kill(self) -> None:
        """Ends it at once, with all its connections; `start` begins anew."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections, takes new ones, and says nothing."""
        assert self._process is not None
        frozen = [self._process.pid, *_children(self._process.pid)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It does not see what is written meanwhile."""
        self.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused", 5, "replay is paused")
        try:
            yield
        finally:
            self.ask("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Waits until it has all that is committed."""
        with connection.cursor() as cursor:
            cursor.execute(COMMITTED)
            committed = position(cursor.fetchone()[0])
            # Something more to replay, as the position may lie within a page's head; and at once on the disk.
            cursor.execute("SET synchronous_commit = on; SELECT pg_logical_emit_message(true, '', '')")
            cursor.execute("SET synchronous_commit = off")
        wait_until(lambda: self.replayed() >= committed, 10, "the replica has caught up")

    def replayed(self) -> int:
        return position(self.ask("SELECT pg_last_wal_replay_lsn()::text"))

    def ask(self, statement: str, database: str = "postgres") -> Any:
        """The first column of the first row."""
        with closing(psycopg2.connect(host=self.place["HOST"], user=self.place["USER"], dbname=database)) as own:
            own.autocommit = True
            with own.cursor() as cursor:
                cursor.execute(statement)
                return (cursor.fetchone() or (None,))[0]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            return bool(self.ask("SELECT pg_is_in_recovery()"))
        except psycopg2.OperationalError:
            return False


def program(name: str, folder: Path) -> str:
    """A program of the embedded PostgreSQL that the owner of the folder can run."""
    return str(_reachable(name, folder))


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


@contextmanager
def running_replica() -> Iterator[Replica]:
    """Skips the test where the tests' PostgreSQL is another than the embedded one."""
    if not settings.DATABASE_IS_EMBEDDED:
        pytest.skip("A replica is made of the embedded PostgreSQL only.")
    with tempfile.TemporaryDirectory(prefix="replica-") as name:
        folder = Path(name)
        if privileges.is_root():
            owner = postgres_dir().stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
        default = settings.DATABASES["default"]
        copy = [program("pg_basebackup", folder), "-D", name, "-h", default["HOST"], "-U", default["USER"]]
        subprocess.run(
            [*privileges.drop_root(folder), *copy, "--checkpoint=fast", "--no-sync", "-X", "stream", "-R"], check=True
        )
        (folder / "postmaster.pid").unlink(missing_ok=True)
        replica = Replica(folder)
        replica.start()
        assert replica._process is not None
        try:
            yield replica
        finally:
            with killed_afterwards(replica._process):
                replica.kill()


def settle() -> None:
    """Redis has been there for longer than a mark is kept."""
    marks.find("anybody")
    redis.delete("postbacks:wrote:everyone")


@contextmanager
def known_to_django(replica: Replica) -> Iterator[None]:
    """Within the block Django has its connection."""

    def connect(wrapper: DatabaseWrapper) -> None:
        """As Django does, without asking the test, which began before there was this connection."""
        if wrapper.connection is None:
            with wrapper.wrap_database_errors:
                wrapper.connect()

    connections.settings["replica"] = replica.database
    try:
        with patch.object(DatabaseWrapper, "ensure_connection", connect):
            yield
    finally:
        connections["replica"].close()
        del connections["replica"], connections.settings["replica"]
