"""A real PgBouncer in transaction mode before the test database, with fewer connections than there are clients."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from devtools.embedded import privileges
from devtools.embedded.postgres import postgres_dir
from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from tests.support.patience import wait_until
from tests.support.processes import stop
from tests.support.workers import environment

SERVER_CONNECTIONS = 3

_CONFIGURATION = """
[databases]
* = {place}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = postgres
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
ignore_startup_parameters = {ignored}
logfile = {folder}/log
"""


class PgBouncer:
    """`variables` are the environment of programs that go through it; `port` is where it listens."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def url(self) -> str:
        return f"postgres://postgres@{LOCALHOST}:{self.port}/{quote(connection.settings_dict['NAME'])}"

    @property
    def variables(self) -> Mapping[str, str]:
        return {"DATABASE_URL": self.url, "DATABASE_DIRECT_URL": environment()["DATABASE_URL"]}

    def show(self, what: str) -> list[dict[str, object]]:
        """What its console says: POOLS, STATS, CLIENTS, SERVERS."""
        with closing(psycopg2.connect(host=LOCALHOST, port=self.port, user="postgres", dbname="pgbouncer")) as console:
            console.autocommit = True
            with console.cursor() as cursor:
                cursor.execute(f"SHOW {what}")
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def running_pgbouncer(
    *, ignored: str = "extra_float_digits", place: Mapping[str, str] | None = None
) -> Iterator[PgBouncer]:
    """Before the test database, or the server at `place`. Of the `ignored` startup parameters it takes no notice.

    Skips the test where the program is not installed.
    """
    before = _place(place or settings.DATABASES["default"])
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer).")
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder, port = Path(name), find_free()
        if privileges.is_root():  # The socket of PostgreSQL is open to its user only.
            shutil.chown(folder, postgres_dir().stat().st_uid, 0)
        file = folder / "pgbouncer.ini"
        file.write_text(
            _CONFIGURATION.format(
                place=before,
                host=LOCALHOST,
                port=port,
                size=SERVER_CONNECTIONS,
                folder=folder,
                ignored=ignored,
            )
        )
        command = [*privileges.drop_root(folder), program, "--quiet", str(file)]
        process = subprocess.Popen(command, cwd="/")
        try:
            wait_until(lambda: answers(port), 10, "PgBouncer listens")
            yield PgBouncer(port)
        finally:
            stop(process)


def _place(database: Mapping[str, str]) -> str:
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    return " ".join(f"{words}={database[name]}" for name, words in names.items() if database.get(name))
