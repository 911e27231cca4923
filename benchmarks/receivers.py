"""Where postbacks go, and what arrived when.

nginx answers faster than anything that we compare, so it does not limit the figures; it must be installed. The
project's own receiver is always available, but slower.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson
from django.conf import settings

from benchmarks import drains
from benchmarks.processes import free_port, listens, running

HOSTS = 100  # Addresses that nginx listens on, 127.0.0.1 and up.
NO_NGINX = "nginx is not installed (Debian: apt-get install nginx), and a slower receiver would favour us"
_CONNECTIONS = 16_384

_CONFIGURATION = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections {connections}; multi_accept on; }}
http {{
    log_format arrivals '$msec $uri $arg_n';
    access_log {log};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    server {{
{listen}
        return 200 "OK";
    }}
}}
"""


class Arrival(NamedTuple):
    """A request that arrived; `at` is in seconds of the wall clock. `known_as` is the id that the receiver saw; if that
    is the delivery's number, as of those written in bulk, `delivery_id` has it, otherwise 0."""

    at: float
    delivery_id: int
    known_as: str


class Entry(NamedTuple):
    """A request that arrived, at its path and with its `n`."""

    at: float
    path: str
    value: str


class Receiver:
    """A running receiver. Postbacks to it must carry `n={DeliveryId}` in their query."""

    def __init__(self, port: int, hosts: int, log: Path | None) -> None:
        self.port = port
        self._hosts = hosts
        self._log = log
        self._read_to = 0

    def url(self, number: int) -> str:
        """The URL of destination `number`: its own path, on one of the receiver's addresses."""
        return f"http://127.0.0.{1 + number % self._hosts}:{self.port}/in/{number}"

    def new_arrivals(self) -> list[Arrival]:
        """What has arrived since the last call, in order. Logs lag by up to 0.1 s."""
        return [
            Arrival(entry.at, int(entry.value) if entry.value.isdecimal() else 0, entry.value)
            for entry in self.new_entries()
        ]

    def new_entries(self) -> list[Entry]:
        """The same, with the path and with `n` as it was sent."""
        if self._log is None or not self._log.exists():
            return []
        with self._log.open("rb") as log:
            log.seek(self._read_to)
            lines = log.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return [self._entry(line) for line in whole.splitlines()]

    def wait_for(self, count: int, timeout_seconds: float) -> list[Arrival]:
        """The next `count` arrivals or more. Raises StuckError."""
        arrivals: list[Arrival] = []

        def all_there() -> bool:
            arrivals.extend(self.new_arrivals())
            return len(arrivals) >= count

        drains.wait_for(all_there, timeout_seconds, f"{count:,} requests have arrived")
        return arrivals

    def _entry(self, line: bytes) -> Entry:
        at, path, value = line.decode().split(" ")
        return Entry(float(at), path, value)


class _Ours(Receiver):
    """The project's receiver logs the monotonic time, which is more precise."""

    def _entry(self, line: bytes) -> Entry:
        entry = orjson.loads(line)
        url = urlsplit(entry["url"])
        return Entry(entry["t"] + time.time() - time.monotonic(), url.path, parse_qs(url.query)["n"][0])


def nginx_version() -> str | None:
    """The version of nginx; None if it is not installed."""
    binary = _nginx_binary()
    if binary is None:
        return None
    said = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"nginx/(\S+)", said.stderr)
    return found[1] if found else None


@contextmanager
def fastest_receiver(*, logged: bool = False) -> Iterator[Receiver]:
    """nginx, or our own receiver if it is not installed."""
    with nginx(logged=logged) if _nginx_binary() else own_receiver(logged=logged) as receiver:
        yield receiver


@contextmanager
def nginx(*, logged: bool) -> Iterator[Receiver]:
    """A separate nginx on loopback addresses; its log has milliseconds."""
    binary = _nginx_binary()
    if binary is None:
        raise FileNotFoundError("nginx")
    folder = Path(settings.DATA_DIR) / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    port, log = free_port(), folder / "arrivals.log"
    configuration = _CONFIGURATION.format(
        files=2 * _CONNECTIONS,
        connections=_CONNECTIONS,
        folder=folder,
        log=f"{log} arrivals buffer=256k flush=100ms" if logged else "off",
        listen="\n".join(f"        listen 127.0.0.{1 + number}:{port} backlog=4096;" for number in range(HOSTS)),
    )
    (folder / "nginx.conf").write_text(configuration)
    command = [binary, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running("nginx", command, lambda: listens(port)):
        yield Receiver(port, HOSTS, log if logged else None)


@contextmanager
def own_receiver(*, logged: bool, delay_seconds: float = 0) -> Iterator[Receiver]:
    """The project's receiver; it logs the time at which it had read each request, and answers so much later."""
    port, log = free_port(), Path(settings.DATA_DIR) / "log" / "bench-arrivals.jsonl"
    log.unlink(missing_ok=True)
    command = [
        sys.executable,
        "manage.py",
        "receive_postbacks",
        "--port",
        str(port),
        "--quiet",
        "--delay",
        str(delay_seconds),
    ]
    with running("receiver", [*command, *(["--log", str(log)] if logged else [])], lambda: listens(port)):
        yield _Ours(port, 1, log if logged else None)


def _nginx_binary() -> str | None:
    # On Debian, it is not in the PATH of ordinary users.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")
