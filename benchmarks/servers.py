"""The processes of the embedded servers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from typing import Any

import psutil
from django.db import connection

from benchmarks import drains
from benchmarks.results import CannotRunError
from postbacks.delivery.redis import client


def postgres() -> psutil.Process:
    """The server's first process. Raises CannotRunError."""
    parent = psutil.Process(int(drains.scalar("SELECT pg_backend_pid()"))).parent()
    if parent is None:
        raise CannotRunError("PostgreSQL runs in another namespace.")
    return parent


def redis() -> psutil.Process:
    """The server's process."""
    info: Any = client.info("server")
    return psutil.Process(info["process_id"])


def crash_postgres() -> None:
    """Ends PostgreSQL as a crash would, and waits until its supervisor has it back."""
    postgres().send_signal(signal.SIGQUIT)
    connection.close()
    until(lambda: drains.scalar("SELECT 1") == 1, "PostgreSQL is back")


def kill_redis() -> None:
    """Kills Redis, and waits until its supervisor has it back."""
    before = redis()
    before.kill()
    until(lambda: redis() != before, "Redis is back")


def until(condition: Callable[[], bool], what: str, timeout_seconds: float = 60) -> None:
    """Polls until `condition()` is true; whatever it raises meanwhile counts as not yet. Raises StuckError."""

    def holds() -> bool:
        with contextlib.suppress(Exception):
            return condition()
        connection.close()
        return False

    drains.wait_for(holds, timeout_seconds, what)
