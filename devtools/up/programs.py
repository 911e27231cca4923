"""The programs that `manage.py up` runs."""

import os
from typing import Any

from django.conf import settings

from devtools.embedded.supervisor import GROUP_MARK, Program
from environment.addresses import LOCALHOST
from environment.program import PYTHON

# For the worker's warm shutdown: requests in flight, and a few seconds to record them.
WORKER_STOP_SECONDS = 25


def programs(port: int, receiver_port: int | None) -> list[Program]:
    """Return what to run: the web on `port`; a receiver on `receiver_port` and demo traffic unless that is `None`."""
    celery = [*PYTHON, "-m", "config", "--quiet"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    manage = [*PYTHON, "-m", "config.command_line"]
    web = [*PYTHON, "-m", "front", "--host", LOCALHOST, "--port", str(port), "--quiet"]
    chosen = [
        _program("keeper", [*PYTHON, "-m", "devtools.up.keeper"], order=1, stop_wait_seconds=90),
        _program("web", web, order=20, group="app"),
        _program("worker", worker, order=20, group="app", stop_wait_seconds=WORKER_STOP_SECONDS),
        _program("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""], order=20, group="app"),
    ]
    if receiver_port is not None:
        receiver = [*manage, "receive_postbacks", "--port", str(receiver_port)]
        chosen += [
            _program("receiver", receiver, order=10),
            _program("demo", [*manage, "demo_traffic"], order=20, group="app", stop_signal="INT"),
        ]
    return chosen


def environment() -> dict[str, str]:
    """Return the environment of the programs."""
    return {
        **os.environ,
        GROUP_MARK: str(settings.DATA_DIR),
        "POSTBACKS_DATA_DIR": str(settings.DATA_DIR),
        # Lines appear at once, although they go through a pipe.
        "PYTHONUNBUFFERED": "1",
        # Without this, macOS kills forked processes, such as a worker's, that call some of its system libraries.
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
        # When trying things out as root, the warning is noise: the worker runs no code that is sent to it.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }


def _program(name: str, command: list[str], *, order: int, **how: Any) -> Program:
    return Program(name, command, f"{name}.pipe", order, **how)
