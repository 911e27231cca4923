"""The files of deploy/backup, with pgBackRest and a PostgreSQL of Debian: a moment comes back, and nothing after it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.variables import BASE_DIR
from tests.support.patience import wait_until

FILES = BASE_DIR / "deploy" / "backup"
_SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))

pytestmark = pytest.mark.worker


class Host:
    """A folder with a cluster, a repository and pgBackRest's configuration made of the example."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder = folder
        self.port = 5432  # Of a socket in the folder: nobody else is there.
        self._as = ["runuser", "-u", user, "--"] if user else []
        self.config = folder / "pgbackrest.conf"
        text = (FILES / "pgbackrest.conf.example").read_text()
        for old, new in (
            ("/var/lib/pgbackrest", folder / "repo"),
            ("/var/lib/postgresql/15/main", folder / "old"),
            ("/var/run/postgresql", folder),
        ):
            assert old in text
            text = text.replace(old, str(new))
        log = f"[global]\nlog-path={folder}\nlock-path={folder}\n"
        self.config.write_text(text.replace("[global]\n", log) + f"pg1-port={self.port}\n")

    def run(self, *command: str) -> str:
        """Its output; fails with what it says."""
        done = subprocess.run([*self._as, *command], capture_output=True, text=True, check=False, cwd=self.folder)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def server(self, program: str, *arguments: str) -> str:
        return self.run(str(_SERVERS[-1].with_name(program)), *arguments)

    def begin(self, cluster: Path) -> None:
        self.server("pg_ctl", "-D", str(cluster), "-l", str(self.folder / "log"), "-w", "start")

    def end(self, cluster: Path) -> None:
        if (cluster / "postmaster.pid").exists():
            self.server("pg_ctl", "-D", str(cluster), "-m", "fast", "-w", "stop")

    def ask(self, statement: str) -> str:
        return self.server(
            "psql", "-h", str(self.folder), "-p", str(self.port), "-qAt", "-c", statement, "postgres"
        ).strip()

    def pgbackrest(self, *arguments: str) -> str:
        return self.run("pgbackrest", f"--config={self.config}", "--stanza=postbacks", *arguments)


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if not shutil.which("pgbackrest") or not _SERVERS:
        pytest.skip("pgBackRest or PostgreSQL is not installed (Debian: pgbackrest, postgresql)")
    user = "postgres" if os.geteuid() == 0 else None
    # PostgreSQL does not run as root, and its user must reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="pitr-"))
    try:
        host = Host(folder, user)
        if user:
            for path in (folder, host.config):
                shutil.chown(path, user)
        yield host
        for name in ("old", "new"):
            host.end(folder / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_moment_comes_back_and_nothing_after_it(host: Host) -> None:
    old, new = host.folder / "old", host.folder / "new"
    host.server("initdb", "-D", str(old), "-A", "trust", "--no-sync", "--locale=C.UTF-8")
    archiving = (FILES / "postgresql.conf.example").read_text()
    with (old / "postgresql.conf").open("a") as file:
        file.write(archiving.replace("pgbackrest --", f"pgbackrest --config={host.config} --"))
        file.write(f"listen_addresses=''\nunix_socket_directories='{host.folder}'\nport={host.port}\n")
    host.begin(old)
    host.pgbackrest("stanza-create")
    host.pgbackrest("check")
    host.ask("CREATE TABLE kept (id bigserial PRIMARY KEY); INSERT INTO kept SELECT FROM generate_series(1, 5)")
    host.pgbackrest("--type=full", "backup")
    # pgBackRest takes a backup only for moments of a later second than its end.
    end = json.loads(host.pgbackrest("--output=json", "info"))[0]["backup"][-1]["timestamp"]["stop"]
    seconds = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint"
    wait_until(lambda: int(host.ask(seconds)) > end, 30, "a second has passed")
    host.ask("INSERT INTO kept SELECT FROM generate_series(1, 5)")
    moment = host.ask("SELECT clock_timestamp()")
    host.ask("INSERT INTO kept SELECT FROM generate_series(1, 5)")
    host.ask("DELETE FROM kept")
    host.end(old)  # What was not archived yet is archived as it ends.
    script = str(FILES / "restore-to-time.sh")
    host.run("bash", script, "postbacks", moment, str(new), f"--config={host.config}")
    host.begin(new)  # It answers before it has come to the moment.
    wait_until(lambda: host.ask("SELECT pg_is_in_recovery()") == "f", 30, "the server opens")
    assert host.ask("SELECT count(*), max(id) FROM kept") == "10|10"
    timeline = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), current_setting('archive_mode')"
    assert host.ask(timeline) == "00000002|off"
    refused = subprocess.run(
        ["bash", script, "postbacks", "2026-11-26 14:03:00", str(new)], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "has no UTC offset" in refused.stderr) == (2, True)
    refused = subprocess.run(
        ["bash", script, "postbacks", moment, str(new)], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "is not empty" in refused.stderr) == (2, True)
