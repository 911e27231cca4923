"""`supervisord` runs programs and restarts those that die: its configuration, whether it is alive, what it left behind.

Every process that it starts has an environment variable that names the data folder. This identifies our processes: a
process id in a file could belong to another process after a restart of the machine.
"""

import contextlib
import os
import shlex
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from environment.program import PYTHON

SERVICES_MARK = "POSTBACKS_SERVICES_OF"
GROUP_MARK = "POSTBACKS_GROUP_OF"
# The kernel needs only moments; a process stuck in the kernel would need forever.
KILL_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Program:
    """One program for supervisord.

    `output` is the file or named pipe for what it prints. Low `order` starts first and stops last; programs with the
    same `group` (and the same order) stop at the same time, all others one after another.
    """

    name: str
    command: list[str]
    output: str
    order: int
    group: str = ""
    stop_signal: str = "TERM"
    stop_wait_seconds: int = 10
    output_max_bytes: int = 0


def supervisord_command(config: Path) -> list[str]:
    """Return the command that runs supervisord with the configuration file `config`."""
    return [*PYTHON, "-m", "devtools.embedded.supervisord", "-c", str(config)]


def configuration(name: str, programs: Sequence[Program], *, log_level: str = "info") -> str:
    """Return the text of a configuration; `output` paths and the log are relative to the folder of its file."""
    lines = [
        "[supervisord]",
        f"logfile=%(here)s/../log/supervisord-{name}.log",
        f"loglevel={log_level}",
        "logfile_maxbytes=1MB",
        "logfile_backups=1",
        f"pidfile=%(here)s/{name}.pid",
        "umask=077",
        # Without it, supervisord warns about running as root at every start.
        *(["user=root"] if os.getuid() == 0 else []),
    ]
    for program in programs:
        lines += ["", *_program_section(program)]
    for group, members in _groups(programs).items():
        names = ",".join(program.name for program in members)
        lines += ["", f"[group:{group}]", f"programs={names}", f"priority={members[0].order}"]
    return "\n".join([*lines, ""])


def living_supervisord(pid_file: Path, mark: str, data_folder: Path) -> psutil.Process | None:
    """Return the supervisord that wrote `pid_file`, unless it has ended and another process has its number."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
    except (OSError, ValueError, psutil.Error):
        return None
    return process if _is_marked(process, mark, data_folder) else None


def marked_processes(mark: str, data_folder: Path) -> list[psutil.Process]:
    """Return all processes, except this one, that have `mark` set to `data_folder`."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in others if _is_marked(process, mark, data_folder)]


def stop_processes(processes: Iterable[psutil.Process], *, stop_signal: int, wait_seconds: float) -> None:
    """Ask `processes` to stop, wait for all of them together, and kill those that have not stopped by then."""
    processes = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(stop_signal)
    for process in _still_alive(processes, wait_seconds):
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    _still_alive(processes, KILL_WAIT_SECONDS)


def _still_alive(processes: Iterable[psutil.Process], wait_seconds: float) -> list[psutil.Process]:
    """Wait until `processes` have ended; return those that have not.

    A zombie has ended. In a container nothing may ever reap it, so `psutil.wait_procs` could wait until its timeout.
    """
    end = time.monotonic() + wait_seconds
    while (alive := [process for process in processes if not _has_ended(process)]) and time.monotonic() < end:
        time.sleep(0.02)
    return alive


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _program_section(program: Program) -> list[str]:
    return [
        f"[program:{program.name}]",
        f"command={_quoted(program.command)}",
        f"priority={program.order}",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_wait_seconds}",
        "autorestart=true",
        "startsecs=1",
        # The pause grows by a second each time, so it gives up after more than an hour.
        "startretries=100",
        "killasgroup=true",
        "redirect_stderr=true",
        # This value is expanded twice; with a single sign, a percent sign in the folder's name would be expanded too.
        f"stdout_logfile=%%(here)s/{program.output}",
        f"stdout_logfile_maxbytes={program.output_max_bytes}",
        "stdout_logfile_backups=1",
    ]


def _groups(programs: Sequence[Program]) -> dict[str, list[Program]]:
    grouped = [program for program in programs if program.group]
    return {name: [p for p in grouped if p.group == name] for name in sorted({p.group for p in grouped})}


def _is_marked(process: psutil.Process, mark: str, data_folder: Path) -> bool:
    try:
        return process.environ().get(mark) == str(data_folder) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _quoted(command: Iterable[str]) -> str:
    text = shlex.join(command).replace("%", "%%")
    # A blank followed by one of these starts a comment, even inside quotes: close and reopen the quotes in between.
    return text.replace(" #", " ''#").replace(" ;", " '';")
