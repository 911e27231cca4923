"""Servers that say what a test gives them, byte by byte: a receiver that breaks the rules, and an egress proxy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

from tests.support.tls_redis import make_certificates
from value_types.secret_text import SecretText

PASSWORD = "pr0xy-pass"


class RawServer:
    """Sends the same bytes on every connection, whatever was asked, and hangs up; keeps what it received."""

    def __init__(self, payload: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") -> None:
        self.payload = payload
        self.received: list[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self.received.append(connection.recv(65_536))
                with suppress(OSError):  # The other side may have had enough.
                    connection.sendall(self.payload)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(65_536)  # Closed only when the other side has read it all.

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


class Proxy:
    """An HTTP proxy that takes every name for this machine and notes the first line of all that it is asked."""

    def __init__(self, refuse: bytes = b"") -> None:
        self.asked: list[str] = []
        self.authorizations: set[bytes] = set()
        self.connections = 0
        self._refuse = refuse
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = SecretText(f"http://user:{PASSWORD}@127.0.0.1:{self.port}")
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(client)
            onward: socket.socket | None = None
            while head := client.recv(65_536):
                method, target, _ = head.split(b" ", 2)
                self.asked.append(f"{method.decode()} {target.decode()}")
                self.authorizations |= {line for line in head.split(b"\r\n") if line.startswith(b"Proxy-Authorization")}
                if self._refuse:
                    client.sendall(self._refuse)
                    return
                place = target if method == b"CONNECT" else target.split(b"/")[2]
                if onward is None:
                    port = int(place.rpartition(b":")[2])
                    onward = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: a-proxy\r\n\r\n")
                    Thread(target=_pour, args=(client, onward), daemon=True).start()
                    _pour(onward, client)
                    return
                onward.sendall(head)
                if not (answer := onward.recv(65_536)):
                    return
                client.sendall(answer)

    def close(self) -> None:
        self._socket.close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends, or is reset, which the target is told too: another thread may be reading from it, and then
    closing it would tell nobody."""
    with suppress(OSError):
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        finally:
            target.shutdown(socket.SHUT_WR)


@contextmanager
def serve_tls(folder: Path) -> Iterator[int]:
    """The port of a receiver that is `redis` by its certificate, signed by `ca.crt` in the folder."""
    make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "redis.crt", folder / "redis.key")
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                plain, _ = server.accept()
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65_536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Of: receiver\r\n\r\nOK")
                    connection.recv(65_536)

    Thread(target=serve, daemon=True).start()
    with closing(server):
        yield server.getsockname()[1]
