"""Copies of the project with a data folder of their own, run as real processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from devtools.embedded.supervisor import GROUP_MARK, SERVICES_MARK
from environment.variables import BASE_DIR
from tests.support import patience, programs
from tests.support.patience import PATIENCE
from tests.support.processes import killed_afterwards


@dataclass(frozen=True)
class Copy:
    """One copy: its data folder, what to put before every command (to be another user), and what it has started."""

    data_dir: Path
    prefix: list[str] = field(default_factory=list)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        dropped = {"DATABASE_URL", "REDIS_URL", "PORT", "DJANGO_SETTINGS_MODULE", SERVICES_MARK, GROUP_MARK}
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        return {**kept, "POSTBACKS_DATA_DIR": str(self.data_dir), **more}

    def command(self, *arguments: str) -> list[str]:
        return [*self.prefix, sys.executable, *arguments]

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start `python` with `arguments`, its output (errors included) on a pipe."""
        return self._start(subprocess.Popen, *arguments, **variables)

    def _start(self, start: Callable[..., Any], *arguments: str, **variables: str) -> subprocess.Popen[str]:
        process: subprocess.Popen[str] = start(
            self.command(*arguments),
            cwd=BASE_DIR,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `python` with `arguments` to its end; return the exit code and all it printed."""
        start = subprocess.Popen if self.prefix else programs.start
        process = self._start(start, *arguments, **variables)
        with killed_afterwards(process):
            output, _ = process.communicate(timeout=PATIENCE * 60)
        return process.returncode, output

    def processes(self) -> list[psutil.Process]:
        """Return every process that works for this copy: by its mark, or PostgreSQL by its data folder."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def named(self, word: str) -> list[psutil.Process]:
        """Return those of the copy's processes with `word` in the command line, oldest first."""
        found = [process for process in self.processes() if word in command_line(process)]
        return sorted(found, key=lambda process: process.pid)

    def kill_everything(self) -> None:
        for started in self.started:
            started.kill()
            started.wait()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.name() == "postgres" and Path(process.cwd()) == (self.data_dir / "postgres").resolve():
                return True
            environment = process.environ()
        except psutil.Error:
            return False
        return str(self.data_dir) in {environment.get(SERVICES_MARK), environment.get(GROUP_MARK)}


def command_line(process: psutil.Process) -> str:
    """Return it; of a process that has ended, nothing."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # A zombie is none either.
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait until `condition` holds; fail with `what` after `seconds`."""
    patience.wait_until(condition, seconds, what)


def runs(process: psutil.Process) -> bool:
    """Tell whether `process` runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(process: psutil.Process) -> None:
    """End `process` without any chance to tidy up, and wait until it has ended."""
    process.kill()
    wait_until(lambda: not runs(process), f"{process} is killed", 5)
