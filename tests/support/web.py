"""The web as a real process on the test database, and clients that are slow or send too much."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil
import requests
from django.conf import settings

from devtools.up.ports import find_free
from environment.addresses import LOCALHOST
from environment.variables import BASE_DIR
from tests.support import programs
from tests.support.patience import wait_until
from tests.support.processes import stop
from tests.support.workers import environment

_READY_SECONDS = 60


class Web:
    """`python -m front` on a port of its own, its output in a file; as a block, it stops at its end."""

    def __init__(self, *options: str, variables: Mapping[str, str] | None = None) -> None:
        self.port = find_free()
        self.url = f"http://{LOCALHOST}:{self.port}"
        self.log = Path(settings.DATA_DIR) / f"web-{self.port}.log"
        with self.log.open("w") as output:
            self.process = programs.start(
                [sys.executable, "-m", "front", "--port", str(self.port), *options],
                cwd=BASE_DIR,
                env={**os.environ, **environment(), "HTTPS_ONLY": "false", **(variables or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        try:
            wait_until(self.answers, _READY_SECONDS, "the web answers")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def serving(self) -> list[psutil.Process]:
        """The processes that serve, without what Python starts beside them."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def connect(self) -> socket.socket:
        return socket.create_connection((LOCALHOST, self.port), timeout=60)

    def say(self, *pieces: bytes) -> bytes:
        """All that the web answers to these bytes until it closes the connection."""
        with self.connect() as connection:
            with suppress(OSError):  # It may close before it has taken all.
                for piece in pieces:
                    connection.sendall(piece)
            return read_all(connection)


@contextmanager
def running_web(*options: str, variables: Mapping[str, str] | None = None) -> Iterator[Web]:
    """The web, for as long as the block lasts. `variables` come on top of its environment."""
    with Web(*options, variables=variables) as web:
        yield web


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    said = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            said += piece
    return said
