"""PostgreSQL, Redis and a partner's server, each on a host of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from devtools.embedded import postgres
from devtools.embedded.redis_server import redis_command
from environment.addresses import DATABASE_NAME, DATABASE_USER
from tests.support.network_hosts import Host
from tests.support.patience import wait_until

READY_SECONDS = 60
# No test cuts the power of PostgreSQL's host. It notices as elsewhere that another host is gone, but sooner.
_SETTINGS = (
    *("fsync=off", "full_page_writes=off"),
    *("tcp_keepalives_idle=2", "tcp_keepalives_interval=1", "tcp_keepalives_count=3", "tcp_user_timeout=5s"),
)


def start_postgres(host: Host, folder: Path, sockets: Path) -> None:
    """Starts it on this host, with its socket in `sockets`, and with an empty database."""
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
    for setting in (f"listen_addresses={host.address}", f"unix_socket_directories={sockets}", *_SETTINGS):
        command += ["-c", setting]
    server = host.start(command, dict(os.environ), folder / "postgres.log")
    psql = [str(postgres.postgres_binary("psql")), "-h", str(sockets), "-U", DATABASE_USER, "-q"]
    wait_until(
        lambda: server.poll() is not None or _succeeds([*psql, "-c", "SELECT 1", "postgres"]),
        READY_SECONDS,
        "PostgreSQL answers",
    )
    assert server.poll() is None, (folder / "postgres.log").read_text()
    subprocess.run([*psql, "-c", f"CREATE DATABASE {DATABASE_NAME}", "postgres"], check=True)


def start_redis(host: Host, folder: Path, variables: Mapping[str, str]) -> None:
    """Starts one that keeps nothing on the disk."""
    place = ("--port", "6379", "--bind", host.address, "--protected-mode", "no", "--dir", str(folder))
    host.start([redis_command()[0], *place, "--save", ""], variables, folder / "redis.log")


def start_receiver(host: Host, folder: Path, variables: Mapping[str, str], notes: Path, answer_seconds: float) -> None:
    """Starts a partner's server, which notes what arrives in `notes`."""
    notes.touch()
    program = [sys.executable, "-m", "tests.hosts.programs.receiver"]
    place = (host.address, "80", str(answer_seconds), str(notes))
    host.start([*program, *place], variables, folder / "receiver.log")


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
