"""What `manage.py up` does: from an empty folder to running programs, and back."""

import contextlib
import fcntl
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError

from devtools import embedded
from devtools.demo import mark
from devtools.demo.load import load_demo
from devtools.embedded import EmbeddedError, locks, supervisor
from devtools.up import first_start, ports
from devtools.up.console import Console, say
from devtools.up.group import stop_group
from devtools.up.programs import environment, programs
from environment.addresses import LOCALHOST
from environment.program import command
from environment.reading import whole_number
from environment.variables import BASE_DIR, data_dir


def run_up(*, demo: bool) -> None:
    """Prepare everything, run the programs until a stop signal, and leave nothing running.

    Raises `EmbeddedError`, which says what to do, if it cannot start.
    """
    port = whole_number("PORT", default=8000, most=65_535)
    with _only_one(), contextlib.suppress(_Stopped):
        stop = _Stop()
        if stop_group():
            say("Stopped programs that an earlier start had left running.")
        ports.require_free(port)
        receiver_port = ports.find_free() if demo else None
        with embedded.services(), mark.running(data_dir(), demo=demo):
            password = _prepare(receiver_port)
            _serve(stop, port, receiver_port, password)
    say("Stopped.")


class _Stopped(Exception):  # noqa: N818 -- not an error: how a signal ends the preparation
    pass


class _Stop:
    """Handles the signals that end `up`: Ctrl-C, SIGTERM, a terminal that hangs up."""

    def __init__(self) -> None:
        self.asked = False
        self.supervisord: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            return
        self.asked = True
        if self.supervisord is None:
            raise _Stopped
        self.supervisord.terminate()


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the lock that shows a second `up` on the same data, and the keeper, that this one is alive."""
    lock = locks.open_lock(embedded.run_dir() / "up.lock")
    if not locks.try_lock(lock, fcntl.LOCK_EX):
        raise EmbeddedError(
            f"`{command('up')}` is already running on {data_dir()}. Stop it first; or, to run a second copy, set "
            "POSTBACKS_DATA_DIR and PORT."
        )
    try:
        yield
    finally:
        locks.unlock(lock)


def _prepare(receiver_port: int | None) -> str | None:
    """Migrate the database; return the password of the administrator if one had to be created."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        raise EmbeddedError(f"The database does not answer: {error}") from error
    password = first_start.create_administrator()
    if receiver_port is not None:
        load_demo(receiver_port, environment())
    connections.close_all()
    return password


def _serve(stop: _Stop, port: int, receiver_port: int | None, password: str | None) -> None:
    """Run the programs until a stop signal; if their supervisord is killed, start it again."""
    run = embedded.run_dir()
    chosen = programs(port, receiver_port)
    (run / "up.conf").write_text(supervisor.configuration("up", chosen, log_level="warn"))
    console = Console(run, ["supervisor", *(program.name for program in chosen)])
    welcome = _welcome(port, receiver_port, password)
    while not stop.asked:
        supervisord = _start_supervisord(stop)
        told = False
        while supervisord.poll() is None:
            console.show(0.2)
            next(welcome, None)
            if stop.asked and not told:
                say("Stopping …")
                told = True
        console.show_rest()
        stop.supervisord = None
        if stop.asked:
            break
        stop_group()
        if supervisord.returncode >= 0:  # It was not killed, so it would end again.
            raise EmbeddedError(f"supervisord has ended. See its log: {data_dir()}/log/supervisord-up.log")
        say("supervisord was killed; starting it again.")


def _start_supervisord(stop: _Stop) -> subprocess.Popen[bytes]:
    run = embedded.run_dir()
    with (run / "supervisor.pipe").open("wb", buffering=0) as output:
        # A separate session: Ctrl-C reaches only us, and we stop the programs in order.
        supervisord = subprocess.Popen(  # noqa: S603 -- our own command
            [*supervisor.supervisord_command(run / "up.conf"), "--nodaemon"],
            cwd=BASE_DIR,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    stop.supervisord = supervisord
    if stop.asked:
        supervisord.terminate()
    return supervisord


def _welcome(port: int, receiver_port: int | None, password: str | None) -> Iterator[None]:
    """Once the web answers, say where it is and how to sign in. The loop that shows output advances this."""
    while not ports.answers(port):
        yield
    kept = first_start.password_file()
    how = f"with the password {password} (kept in {kept})" if password else "with your password"
    if kept.exists() and not password:
        how += f" (the first one is in {kept})"
    rows = [
        "",
        f"  Partner Postbacks is running:  http://{LOCALHOST}:{port}/admin/",
        f"  Sign in as {first_start.ADMIN_NAME} {how}",
        f"  Data: {data_dir()}      Stop: Ctrl-C",
    ]
    if receiver_port is not None:
        rows.append(
            f"  Demo: a conversion every few seconds, its postbacks sent to a receiver on port {receiver_port}."
        )
    elif password:
        rows.append(f"  To see it work on made-up conversions: {command('up --demo')}")
    say("\n".join([*rows, ""]))
    yield
