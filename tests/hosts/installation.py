"""An installation on hosts of its own: PostgreSQL, Redis, webs, workers, a partner's server and a shop.

Programs of this code run on them, or of an earlier release, or of both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from cryptography.fernet import Fernet

from environment.addresses import DATABASE_NAME, DATABASE_USER
from environment.variables import BASE_DIR
from tests.hosts.servers import READY_SECONDS, start_postgres, start_receiver, start_redis
from tests.support import programs
from tests.support.network_hosts import Host, Switch, network
from tests.support.patience import PATIENCE, wait_until
from tests.support.releases import web_command

_PORT = 8000
_UNFINISHED = """
SELECT (SELECT count(*) FROM postbacks_delivery WHERE state <> 'delivered')
    + (SELECT count(*) FROM actions_queuedreport)
"""
_ASK = """
import sys, time, urllib.request
until = time.monotonic() + float(sys.argv[2])
while True:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=2)
        break
    except OSError:
        if time.monotonic() > until:
            raise
        time.sleep(0.05)
"""
# In one process, as each would import all of the project. Prints the account and the token last.
_SET_UP = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("load_config", sys.argv[1])
print("made:")
call_command("create_api_token", "shop")
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request at the partner's server, in seconds of the wall clock, from the host with this address."""

    at: float
    caller: str
    path: str
    values: Mapping[str, str]


@dataclass
class Installation:
    """Hosts and what runs on them; `folder` has a log of each program. `code` is the folder of what is started."""

    switch: Switch
    folder: Path
    database: Host
    redis: Host
    receiver: Host
    sockets: Path
    variables: Mapping[str, str]
    code: Path = BASE_DIR
    account: tuple[str, str] | None = None
    logs: dict[str, Path] = field(default_factory=dict)
    workers: dict[str, Host] = field(default_factory=dict)
    webs: dict[str, Host] = field(default_factory=dict)
    _asking: Any = None
    _arrived: int = 0
    _read_to: int = 0

    def set_up(self, configuration: str) -> None:
        """Migrates the empty database, loads this, and makes an account."""
        (self.folder / "config.yaml").write_text(configuration)
        said = self._run([sys.executable, "-c", _SET_UP, str(self.folder / "config.yaml")])
        sid, token = said.partition("made:")[2].split()[1::2]
        self.account = sid, token

    def manage(self, *arguments: str) -> str:
        """The output of a management command; one that fails, fails the test."""
        return self._run([sys.executable, "manage.py", *arguments])

    def start_worker(self, name: str, *, beat: bool = False) -> Host:
        """A worker of one process on its host, and beat if that is asked for. It may not be ready yet."""
        host = self.workers[name] = self.workers.get(name) or self.switch.host(name)
        options = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "info")
        self._start(host, "worker", "celery", "--app", "config", "worker", "--hostname", f"{host.name}@%h", *options)
        if beat:
            self._start(host, "beat", "celery", "--app", "config", "beat")
        return host

    def start_web(self, name: str) -> Host:
        """A web on its host. It may not answer yet."""
        host = self.webs[name] = self.webs.get(name) or self.switch.host(name)
        self._start(host, "web", *web_command(self.code, host.address, _PORT))
        return host

    def works(self, host: Host) -> None:
        """Until its worker is ready, or its web answers."""
        if host.name in self.webs:
            asking = programs.run(
                [sys.executable, "-c", _ASK, f"http://{host.address}:{_PORT}/healthz", str(PATIENCE * READY_SECONDS)],
                namespace=host.namespace,
            )
            assert asking.returncode == 0, f"{host.name} does not answer:\n{self.end_of_logs()}"
        else:
            log = self.logs[f"{host.name}-worker"]
            wait_until(lambda: " ready." in log.read_text(), READY_SECONDS, f"{host.name} is ready")

    def shop(self, name: str, per_second: float, setup: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Has a shop of this name report to all webs from now on; SIGTERM ends it."""
        assert self.account is not None
        host = self.switch.host(name)
        addresses = [f"http://{web.address}:{_PORT}" for web in self.webs.values()]
        arguments = (name, str(self.folder / "reported"), *self.account, str(per_second), json.dumps(setup), *addresses)
        return self._start(host, "shop", "tests.hosts.programs.shop", *arguments, folder=BASE_DIR)

    def arrivals(self) -> list[Arrival]:
        """What has arrived so far, in order."""
        found = []
        for line in (self.folder / "arrived").read_text().splitlines():
            at, caller, url = line.split(" ", 2)
            path, _, query = url.partition("?")
            found.append(Arrival(float(at), caller, path, dict(pair.split("=") for pair in query.split("&"))))
        return found

    def arrived(self) -> int:
        """How many that is; cheap enough to ask again and again."""
        with (self.folder / "arrived").open("rb") as notes:
            notes.seek(self._read_to)
            new = notes.read()
        self._read_to += len(new)
        self._arrived += new.count(b"\n")
        return self._arrived

    def reported(self, shop: str) -> dict[str, list[tuple[int, str, str]]]:
        """The answers that the shop had, by order: status, method and text."""
        found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        for line in (self.folder / "reported").read_text().splitlines():
            status, method, order, text = line.split(" ", 3)
            if order.startswith(f"{shop}-"):
                found[order].append((int(status), method, text))
        return found

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Asks PostgreSQL by its socket, past the network."""
        with self.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """The same way; what it does is committed at the end of the block."""
        if self._asking is None:
            self._asking = psycopg2.connect(host=str(self.sockets), user=DATABASE_USER, dbname=DATABASE_NAME)
        with self._asking, self._asking.cursor() as cursor:
            yield cursor

    def unfinished(self) -> int:
        """The reports that are not recorded and the deliveries that are not delivered."""
        return int(self.ask(_UNFINISHED)[0][0])

    def end_of_logs(self) -> str:
        return "\n".join(f"== {name}\n{log.read_text(errors='replace')[-1500:]}" for name, log in self.logs.items())

    def _run(self, command: list[str]) -> str:
        """What a program on the host of the database prints, which reaches both servers."""
        environment = {**self.variables, "POSTBACKS_DATA_DIR": str(self.folder)}
        done = programs.run(
            command, namespace=self.database.namespace, cwd=self.code, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def _start(
        self, host: Host, kind: str, module: str, *arguments: str, folder: Path | None = None
    ) -> subprocess.Popen[bytes]:
        name = f"{host.name}-{kind}"
        self.logs[name] = log = self.folder / f"{name}.log"
        log.write_text("")
        own = {"POSTBACKS_DATA_DIR": str(self.folder / host.name)}
        command = [sys.executable, "-m", module, *arguments]
        return host.start(command, {**self.variables, **own}, log, folder or self.code)


@contextmanager
def installation(folder: Path, *, answer_seconds: float) -> Iterator[Installation]:
    """PostgreSQL with an empty database, Redis and the partner's server, each on a host of its own."""
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
        start_redis(redis, folder, variables)
        start_receiver(receiver, folder, variables, folder / "arrived", answer_seconds)
        start_postgres(database, folder, sockets)
        yield Installation(switch, folder, database, redis, receiver, sockets, variables)
