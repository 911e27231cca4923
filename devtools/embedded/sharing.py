"""Which processes use the embedded servers. The first user starts them, the last one stops them.

Every user holds a shared lock on `users.lock`; the one that can take it exclusively is the last. Starting and stopping
happen under `start.lock`, one at a time. The kernel releases the locks of a user that is killed.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from devtools.embedded import locks, postgres, privileges, redis_server, supervisor
from devtools.embedded.errors import EmbeddedError, NotSetUpError
from devtools.embedded.supervisor import GROUP_MARK, SERVICES_MARK, Program
from environment.addresses import embedded_servers, socket_dir
from environment.variables import BASE_DIR, data_dir

# PostgreSQL's recovery after a crash replays up to 2 GB of its log.
START_TIMEOUT_SECONDS = 120
# A fast shutdown of PostgreSQL writes a checkpoint.
STOP_TIMEOUT_SECONDS = 60
# A shorter start is not announced on the terminal.
SILENT_START_SECONDS = 2.0


@contextmanager
def services() -> Iterator[None]:
    """Hold the embedded servers, and start those that do not run yet; do nothing if both are given by URL.

    Raises `EmbeddedError` if they cannot be started.
    """
    wanted = embedded_servers()
    if not wanted:
        yield
        return
    run = run_dir()
    users = locks.open_lock(run / "users.lock")
    try:
        with locks.exclusive(run / "start.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            _start(wanted)
    except BaseException:
        _leave(users)
        raise
    owner = os.getpid()
    try:
        yield
    finally:
        # A forked child also leaves through here, but it only borrowed the lock.
        if os.getpid() == owner:
            _leave(users)


def ensure_running() -> None:
    """Start the servers again if their supervisord has died. For a process that holds `services()`."""
    if _living() is None:
        with locks.exclusive(run_dir() / "start.lock"):
            _start(embedded_servers())


def run_dir() -> Path:
    """Return the folder of locks, pipes and generated configuration; create it and the log folder if missing."""
    run = data_dir() / "run"
    try:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir() / "log").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise NotSetUpError(
            f"Cannot create the data folder {data_dir()}: {error}. Set POSTBACKS_DATA_DIR to another folder."
        ) from error
    return run


def _leave(users: int) -> None:
    with locks.exclusive(run_dir() / "start.lock"):
        if locks.try_lock(users, fcntl.LOCK_EX):
            _stop()
        locks.unlock(users)


def _start(wanted: frozenset[str]) -> None:
    """Start the `wanted` servers and wait until they answer. Call it under the start lock."""
    config = run_dir() / "services.conf"
    running = _running_servers(config)
    if not wanted <= running:
        _stop()
        programs = [_program(name) for name in sorted(wanted | running)]
        _make_socket_dir()
        config.write_text(supervisor.configuration("services", programs))
        _launch(config)
    _wait_until_ready(wanted)


def _running_servers(config: Path) -> frozenset[str]:
    if _living() is None:
        return frozenset()
    text = config.read_text()
    return frozenset(name for name in ("postgres", "redis") if f"[program:{name}]" in text)


def _stop() -> None:
    """Stop the servers' supervisord, and whatever a killed one left behind."""
    supervisord = _living()
    if supervisord is not None:
        supervisor.stop_processes([supervisord], stop_signal=signal.SIGTERM, wait_seconds=STOP_TIMEOUT_SECONDS)
    server = postgres.left_over_server()
    if server is not None:
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients.
        supervisor.stop_processes([server], stop_signal=signal.SIGINT, wait_seconds=STOP_TIMEOUT_SECONDS)
    others = supervisor.marked_processes(SERVICES_MARK, data_dir())
    supervisor.stop_processes(others, stop_signal=signal.SIGTERM, wait_seconds=STOP_TIMEOUT_SECONDS)
    shutil.rmtree(socket_dir(), ignore_errors=True)


def _program(name: str) -> Program:
    if name == "redis":
        command = redis_server.redis_command()
        return Program(name, command, "../log/redis.log", order=2, stop_wait_seconds=30, output_max_bytes=10**7)
    postgres.postgres_binary("postgres")  # If the package is missing, this raises before anything is printed.
    if not postgres.is_initialised():
        _say(f"Setting up PostgreSQL in {postgres.postgres_dir()} …")
    postgres.initialise()
    postgres.clear_stale_lock_file()
    if shared := privileges.shared_with(postgres.postgres_dir()):
        _say(
            f"PostgreSQL runs as {shared}: other programs of that user can read and change the data in "
            f"{postgres.postgres_dir()}."
        )
    return Program(
        name,
        postgres.postgres_command(),
        "../log/postgres.log",
        order=1,
        stop_signal="INT",
        stop_wait_seconds=STOP_TIMEOUT_SECONDS,
        output_max_bytes=10**7,
    )


def _launch(config: Path) -> None:
    # The servers outlive the process that starts them, so they must not count as part of its group.
    environment = {key: value for key, value in os.environ.items() if key != GROUP_MARK}
    environment[SERVICES_MARK] = str(data_dir())
    done = subprocess.run(  # noqa: S603 -- our own command
        supervisor.supervisord_command(config),
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}")


def _wait_until_ready(wanted: frozenset[str]) -> None:
    checks: dict[str, Callable[[], bool]] = {
        "postgres": postgres.postgres_answers,
        "redis": redis_server.redis_answers,
    }
    began = time.monotonic()
    told = False
    for name in sorted(wanted):
        while not checks[name]():
            waited = time.monotonic() - began
            if waited > START_TIMEOUT_SECONDS:
                log = data_dir() / "log" / f"{name}.log"
                raise EmbeddedError(f"The embedded {name} does not answer. The end of {log}:\n{_tail(log)}")
            if waited > SILENT_START_SECONDS and not told:
                _say("Starting the embedded PostgreSQL and Redis …")
                told = True
            time.sleep(0.05)


def _make_socket_dir() -> None:
    """Create the folder of the sockets, open only to us; refuse one that another user has put in its place."""
    folder = socket_dir()
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or found.st_uid != os.getuid():
        raise NotSetUpError(
            f"{folder} belongs to another user. Remove it, or set POSTBACKS_DATA_DIR to another folder."
        )
    folder.chmod(0o700)
    if privileges.is_root() and postgres.is_initialised():  # PostgreSQL makes its socket there, and root may enter it.
        os.chown(folder, postgres.postgres_dir().stat().st_uid, 0)


def _living() -> psutil.Process | None:
    return supervisor.living_supervisord(data_dir() / "run" / "services.pid", SERVICES_MARK, data_dir())


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    except OSError:
        return "(there is no log)"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
