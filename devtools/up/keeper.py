"""Runs beside the programs of `manage.py up`: `python -m devtools.up.keeper`.

It holds the embedded servers as long as any program runs (it starts first and stops last), restarts them when their
supervisord is killed, and ends all programs when `up` itself is killed, so that nothing runs on without a terminal.
"""

import contextlib
import fcntl
import signal
import sys
import threading

import psutil

from devtools import embedded
from devtools.embedded import locks
from devtools.up.group import group_supervisord, stop_group

CHECK_SECONDS = 1.0


def main() -> None:
    """Hold the servers until a signal arrives or `up` dies."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with embedded.services():
        while not stop.wait(CHECK_SECONDS):
            try:
                embedded.ensure_running()
            except embedded.EmbeddedError as error:
                sys.stderr.write(f"{error}\n")
            if _up_is_gone() and not _end_group():
                return


def _up_is_gone() -> bool:
    descriptor = locks.open_lock(embedded.run_dir() / "up.lock")
    free = locks.try_lock(descriptor, fcntl.LOCK_SH)
    locks.unlock(descriptor)
    return free


def _end_group() -> bool:
    """End the programs; return whether a supervisord does it, which then ends this process last."""
    supervisord = group_supervisord()
    if supervisord is None:
        stop_group()
        return False
    with contextlib.suppress(psutil.Error):
        supervisord.terminate()
    return True


if __name__ == "__main__":
    main()
