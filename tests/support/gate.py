"""A server that goes away and comes back: a gate before a real one, which can be shut."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

from environment.addresses import LOCALHOST

Address = tuple[str, int] | str
"""Host and port, or the path of a socket."""


class Gate:
    """Hands on what comes at its port; while it is shut, connections are cut and new ones refused, as by no server."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._lock = Lock()
        self._through: list[socket.socket] = []
        self._listener = socket.create_server((LOCALHOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def shut(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            through, self._through = self._through, []
        for each in through:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def open(self) -> None:
        self._listener = socket.create_server((LOCALHOST, self.port))
        self._accept()

    def _accept(self) -> None:
        listener = self._listener

        def run() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    self._join(client)

        Thread(target=run, daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
        server.connect(self._server)
        with self._lock:
            self._through += [client, server]
        for source, target in ((client, server), (server, client)):
            Thread(target=_pour, args=(source, target), daemon=True).start()


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def gate_before(server: Address) -> Iterator[Gate]:
    gate = Gate(server)
    try:
        yield gate
    finally:
        gate.shut()
