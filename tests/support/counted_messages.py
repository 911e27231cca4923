"""A relay before PostgreSQL that counts the messages with statements: each is a round trip."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

from django.db import connection

from actions.recording.planned import plan_once

_HEAD = 5  # The kind of a message, and its length, which counts itself.
_STATEMENT = b"Q"


class Relay:
    """Takes one connection. `messages` holds the statements of each message, as text."""

    def __init__(self, folder: Path, server: socket.socket, port: int) -> None:
        self.messages: list[str] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / f".s.PGSQL.{port}"))
        self._listening.listen(1)
        self._server = server
        self._threads = [Thread(target=self._forward, daemon=True)]
        self._threads[0].start()

    def _forward(self) -> None:
        client, _ = self._listening.accept()
        back = Thread(target=self._back, args=[client], daemon=True)
        back.start()
        with client, suppress(OSError):
            unread, greeted = b"", False
            while data := client.recv(65_536):
                unread += data
                while len(unread) >= _HEAD:
                    # The greeting has no kind.
                    length = int.from_bytes(unread[1:5]) + 1 if greeted else int.from_bytes(unread[:4])
                    if len(unread) < length:
                        break
                    if greeted and unread[:1] == _STATEMENT:
                        self.messages.append(unread[_HEAD : length - 1].decode())
                    unread, greeted = unread[length:], True
                self._server.sendall(data)  # Once it is counted: its answer may be there at once.
            self._server.shutdown(socket.SHUT_RDWR)
        back.join(5)

    def _back(self, client: socket.socket) -> None:
        with suppress(OSError):
            while data := self._server.recv(65_536):
                client.sendall(data)

    def close(self) -> None:
        self._listening.close()
        self._threads[0].join(5)


def _server_socket() -> tuple[socket.socket, int]:
    """A socket to the server of Django's connection, and the number in the name of a socket in a folder."""
    info = connection.connection.info
    if info.host.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{info.host}/.s.PGSQL.{info.port}")
    else:
        server = socket.create_connection((info.host, info.port))
    return server, info.port


@contextmanager
def counted() -> Iterator[list[str]]:
    """Django's connection of this thread leads through a relay; yields the messages, which grow."""
    with ExitStack() as stack:
        connection.ensure_connection()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server, port = _server_socket()
        stack.enter_context(closing(server))
        relay = stack.enter_context(closing(Relay(folder, server, port)))
        kept = connection.settings_dict
        connection.close()
        connection.settings_dict = {**kept, "HOST": str(folder), "PORT": str(port)}
        try:
            plan_once()
            relay.messages.clear()
            yield relay.messages
        finally:
            connection.close()
            connection.settings_dict = kept
