"""The processes of the embedded servers."""

from __future__ import annotations

from typing import Any

import psutil

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
