"""An installation on hosts of its own: PostgreSQL, Redis, webs, workers, a partner's server and a shop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from cryptography.fernet import Fernet
from django.db import connection

from devtools.embedded import postgres
from devtools.embedded.redis_server import redis_command
from environment.addresses import DATABASE_NAME, DATABASE_USER
from tests.support.network_hosts import Host, Switch, network
from tests.support.patience import wait_until

_READY_SECONDS = 60
_PORT = 8000
_UNFINISHED = """
SELECT (SELECT count(*) FROM postbacks_delivery WHERE state <> 'delivered')
    + (SELECT count(*) FROM actions_queuedreport)
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request at the partner's server, in seconds of the wall clock."""

    at: float
    path: str
    values: Mapping[str, str]


@dataclass
class Installation:
    """Hosts and what runs on them; `folder` has a log of each program."""

    switch: Switch
    folder: Path
    database: Host
    redis: Host
    receiver: Host
    sockets: Path
    variables: Mapping[str, str]
    logs: dict[str, Path] = field(default_factory=dict)

    def web(self, name: str) -> Host:
        """A host with a web, once that answers."""
        host = self.switch.host(name)
        self._start(host, "web", "front", "--host", host.address, "--port", str(_PORT), "--processes", "1")
        answers = [
            "ip",
            "netns",
            "exec",
            host.namespace,
            sys.executable,
            "-c",
            _ASK,
            f"http://{host.address}:{_PORT}/healthz",
        ]
        wait_until(lambda: _succeeds(answers), _READY_SECONDS, f"{name} answers")
        return host

    def worker(self, name: str, *, beat: bool = False) -> Host:
        """A host with a worker of one process, and with beat if that is asked for. It may not be ready yet."""
        host = self.switch.host(name)
        self.start_worker(host)
        if beat:
            self._start(host, "beat", "celery", "--app", "config", "beat")
        return host

    def start_worker(self, host: Host) -> None:
        options = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "info")
        self._start(host, "worker", "celery", "--app", "config", "worker", "--hostname", f"{host.name}@%h", *options)

    def works(self, host: Host) -> None:
        """Until its worker is ready."""
        log = self.logs[f"{host.name}-worker"]
        wait_until(lambda: " ready." in log.read_text(), _READY_SECONDS, f"{host.name} is ready")

    def shop(
        self, sid: str, token: str, per_second: float, setup: Mapping[str, str], webs: list[Host]
    ) -> subprocess.Popen[bytes]:
        """A host with a shop that reports to these webs from now on; SIGTERM ends it."""
        host = self.switch.host("shop")
        addresses = [f"http://{web.address}:{_PORT}" for web in webs]
        arguments = (str(self.folder / "reported"), sid, token, str(per_second), json.dumps(setup), *addresses)
        return self._start(host, "shop", "tests.hosts.programs.shop", *arguments)

    def arrivals(self) -> list[Arrival]:
        """What has arrived so far, in order."""
        found = []
        for line in (self.folder / "arrived").read_text().splitlines():
            at, _, url = line.partition(" ")
            path, _, query = url.partition("?")
            found.append(Arrival(float(at), path, dict(pair.split("=") for pair in query.split("&"))))
        return found

    def reported(self) -> dict[str, list[tuple[int, str, str]]]:
        """The answers that the shop had, by order: status, method and text."""
        found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        for line in (self.folder / "reported").read_text().splitlines():
            status, method, order, text = line.split(" ", 3)
            found[order].append((int(status), method, text))
        return found

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Asks PostgreSQL by its socket, past the network."""
        server = psycopg2.connect(host=str(self.sockets), user=DATABASE_USER, dbname=DATABASE_NAME)
        with closing(server) as connected, connected.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def unfinished(self) -> int:
        """The reports that are not recorded and the deliveries that are not delivered."""
        return int(self.ask(_UNFINISHED)[0][0])

    def end_of_logs(self) -> str:
        return "\n".join(f"== {name}\n{log.read_text(errors='replace')[-1500:]}" for name, log in self.logs.items())

    def _start(self, host: Host, kind: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        name = f"{host.name}-{kind}"
        self.logs[name] = log = self.folder / f"{name}.log"
        own = {"POSTBACKS_DATA_DIR": str(self.folder / host.name)}
        return host.start([sys.executable, "-m", module, *arguments], {**self.variables, **own}, log)


_ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)"


@contextmanager
def installation(folder: Path, *, answer_seconds: float) -> Iterator[Installation]:
    """PostgreSQL with a copy of the test's database, Redis and the partner's server, each on a host of its own."""
    # PostgreSQL's user may not enter a folder of pytest's.
    with tempfile.TemporaryDirectory(prefix="hosts-", dir="/tmp") as open_to_all, network() as switch:
        database, redis, receiver = switch.host("database"), switch.host("redis"), switch.host("receiver")
        variables = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "DATABASE_URL": f"postgres://{DATABASE_USER}@{database.address}/{DATABASE_NAME}",
            "REDIS_URL": f"redis://{redis.address}:6379/0",
            "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
            "POSTBACKS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "POSTBACKS_ALLOWED_NETWORKS": f"{receiver.address}/32",
            "ALLOWED_HOSTS": "*",
            "HTTPS_ONLY": "false",
            "PYTHONUNBUFFERED": "1",
        }
        sockets = Path(open_to_all)
        _start_postgres(database, folder, sockets)
        made = Installation(switch, folder, database, redis, receiver, sockets, variables)
        options = (
            "--port",
            "6379",
            "--bind",
            redis.address,
            "--protected-mode",
            "no",
            "--save",
            "",
            "--dir",
            str(folder),
        )
        redis.start([redis_command()[0], *options], variables, folder / "redis.log")
        program = [sys.executable, "-m", "tests.hosts.programs.receiver"]
        notes = folder / "arrived"
        notes.touch()
        receiver.start(
            [*program, receiver.address, "80", str(answer_seconds), str(notes)],
            variables,
            folder / "receiver.log",
        )
        yield made


def _start_postgres(host: Host, folder: Path, sockets: Path) -> None:
    """Starts it on this host, with its socket in `sockets`, and with a copy of the test's database."""
    sockets.chmod(0o777)
    before = os.environ.get("POSTBACKS_DATA_DIR")
    os.environ["POSTBACKS_DATA_DIR"] = str(folder)  # Where the embedded servers' code makes a cluster.
    try:
        postgres.initialise()
        with (folder / "postgres/pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\n")
        command = postgres.postgres_command()
    finally:
        if before is None:
            del os.environ["POSTBACKS_DATA_DIR"]
        else:
            os.environ["POSTBACKS_DATA_DIR"] = before
    for setting in (f"listen_addresses={host.address}", f"unix_socket_directories={sockets}", "fsync=off"):
        command += ["-c", setting]
    server = host.start(command, dict(os.environ), folder / "postgres.log")
    psql = [str(postgres.postgres_binary("psql")), "-h", str(sockets), "-U", DATABASE_USER, "-q"]
    wait_until(
        lambda: server.poll() is not None or _succeeds([*psql, "-c", "SELECT 1", "postgres"]),
        _READY_SECONDS,
        "PostgreSQL answers",
    )
    assert server.poll() is None, (folder / "postgres.log").read_text()
    subprocess.run([*psql, "-c", f"CREATE DATABASE {DATABASE_NAME}", "postgres"], check=True)
    given = connection.settings_dict
    dump = [str(postgres.postgres_binary("pg_dump")), "-h", given["HOST"], "-U", given["USER"], given["NAME"]]
    dumped = subprocess.run(dump, capture_output=True, check=True).stdout
    subprocess.run([*psql, "-v", "ON_ERROR_STOP=1", DATABASE_NAME], input=dumped, capture_output=True, check=True)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
