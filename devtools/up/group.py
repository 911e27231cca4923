"""The programs of one `manage.py up`: its supervisord and all that it started."""

import signal

import psutil

from devtools.embedded import run_dir
from devtools.embedded.supervisor import GROUP_MARK, living_supervisord, marked_processes, stop_processes
from environment.variables import data_dir

# Longer than the longest stop of one program: the worker finishes the transfers in flight.
STOP_TIMEOUT_SECONDS = 60


def group_supervisord() -> psutil.Process | None:
    """Return the supervisord of the group on our data folder, if it is alive."""
    return living_supervisord(run_dir() / "up.pid", GROUP_MARK, data_dir())


def stop_group() -> bool:
    """Stop all programs of the group except the caller; return whether there were any."""
    supervisord = group_supervisord()
    if supervisord is not None:
        stop_processes([supervisord], stop_signal=signal.SIGTERM, wait_seconds=STOP_TIMEOUT_SECONDS)
    others = marked_processes(GROUP_MARK, data_dir())
    stop_processes(others, stop_signal=signal.SIGTERM, wait_seconds=STOP_TIMEOUT_SECONDS)
    return supervisord is not None or bool(others)
