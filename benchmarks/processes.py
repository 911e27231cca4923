"""Processes that never outlive the block that starts them, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings

from benchmarks.surroundings import ROOT

CONCURRENCY = 2  # Worker processes in every scenario, on any machine.
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 30
_STOP_SECONDS = 40  # A warm shutdown may take 25.
_PORTS = range(20_000, 32_000)  # Below the ports that Linux uses for outgoing connections.


class ProcessFailedError(Exception):
    """A process of the benchmark did not start, or ended unexpectedly."""


class Running:
    """One running program; its output is in `log`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)

    def children(self) -> list[psutil.Process]:
        return self.process.children()

    def wait(self, timeout_seconds: float) -> None:
        """Waits until it ends. Raises ProcessFailedError if it fails or takes longer."""
        try:
            code = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise ProcessFailedError(f"{self.name} did not end within {timeout_seconds:.0f} s.") from None
        if code:
            raise ProcessFailedError(f"{self.name} failed; the end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def ended(self) -> bool:
        return self._process.poll() is not None

    def must_run(self) -> None:
        """Raises ProcessFailedError if it has ended."""
        if self.ended():
            raise ProcessFailedError(f"{self.name} ended unexpectedly; the end of {self.log}:\n{self.tail()}")

    def stop(self, *, kill: bool = False) -> None:
        """Asks it to stop and waits, then kills the rest of its process group."""
        if not self.ended() and not kill:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def running(
    name: str,
    command: list[str],
    ready: Callable[[], bool] | str,
    *,
    kill: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """The program, once it is ready: `ready()` is true, or its output contains that text. It stops with the block.

    It gets its own process group, so that Ctrl-C reaches only us. With `kill`, it is not asked to stop, but killed.
    `variables` come on top of its environment.
    """
    log = Path(settings.DATA_DIR) / "log" / f"bench-{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})},  # We wait for its output.
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 -- it makes one system call and takes no lock
        )
    program = Running(name, process, log)
    is_ready = ready if callable(ready) else lambda: ready in log.read_text(errors="replace")
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if program.ended() or time.monotonic() > deadline:
                raise ProcessFailedError(f"{name} does not start; the end of {log}:\n{program.tail()}")
            time.sleep(0.02)
        yield program
    finally:
        program.stop(kill=kill)


@contextmanager
def workers(app: str = "config", *, kill: bool = False) -> Iterator[Running]:
    """A Celery worker with its children, and beat. Beat starts first: a worker sweeps as soon as it is ready, and its
    first seconds are not for beat's imports."""
    with running_beat(), running_worker(app=app, kill=kill) as worker:
        yield worker


@contextmanager
def running_worker(
    name: str = "worker",
    *,
    app: str = "config",
    kill: bool = False,
    variables: Mapping[str, str] | None = None,
    concurrency: int = CONCURRENCY,
) -> Iterator[Running]:
    """A Celery worker with its children, without beat."""
    options = ["--concurrency", str(concurrency), "--without-gossip", "--without-mingle", "--hostname", f"{name}@%h"]
    with running(name, celery(app, "worker", *options), " ready.", kill=kill, variables=variables) as worker:
        yield worker


@contextmanager
def running_beat() -> Iterator[Running]:
    """Beat alone."""
    with running("beat", celery("config", "beat"), "is starting", kill=True) as beat:
        yield beat


@contextmanager
def running_web(module: str = "front", *, kill: bool = False) -> Iterator[tuple[Running, int]]:
    """The web process as the Procfile starts it, and its port; `module` in place of the module that it runs."""
    port = free_port()
    line = next(each for each in (ROOT / "Procfile").read_text().splitlines() if each.startswith("web: "))
    start, own, options = line.removeprefix("web: ").replace("$PORT", str(port)).partition("python -m front")
    if start or not own:
        raise ProcessFailedError(f"The Procfile starts the web with `{line}`; the benchmark expects python -m front.")
    with running("web", [sys.executable, "-m", module, *options.split()], lambda: listens(port), kill=kill) as web:
        yield web, port


def free_port() -> int:
    """A port on 127.0.0.1 on which nothing listens."""
    for port in random.sample(_PORTS, 50):
        if not listens(port):
            return port
    raise OSError("No port is free.")


def listens(port: int) -> bool:
    """Whether something accepts connections to this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end_with_parent() -> None:
    """Makes the kernel send SIGTERM when the benchmark ends, even by `kill -9`."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def celery(app: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", app, *arguments, "--loglevel", "info"]


def program(name: str, *arguments: object) -> list[str]:
    """The command that runs one of `benchmarks/programs`."""
    return [sys.executable, "-m", f"benchmarks.programs.{name}", *map(str, arguments)]
