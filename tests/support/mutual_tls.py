"""A receiver behind TLS that asks for client certificates and notes who came, on which connection."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import NamedTuple

from tests.support.authorities import Authority


class Came(NamedTuple):
    """One request: `who` is the common name of the client's certificate, empty without one; `connection` counts from
    1, and `resumed` says whether its TLS session is that of an earlier one."""

    path: str
    who: str
    connection: int
    resumed: bool
    authorization: str


class MutualTls:
    """Its certificate is signed by `of`; clients may show one that `clients` has signed, and must with `demands`."""

    def __init__(self, of: Authority, clients: Authority, *, demands: bool = False) -> None:
        self.came: list[Came] = []
        self._connections = 0
        self._lock = Lock()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        self._context.load_verify_locations(cadata=clients.pem)
        signed = of.sign("receiver")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.pem"
            path.write_text(signed.certificate + signed.key)
            self._context.load_cert_chain(path)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.context = self._context
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def connected(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: ssl.SSLSocket, client_address: object) -> None:  # type: ignore[override]
        with suppress(OSError):  # A handshake that fails is what some tests want.
            request.settimeout(30)
            super().finish_request(self.context.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, *_: object) -> None:
        """Says nothing: clients that go away are no news."""


def _handler(of: MutualTls) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.number = of.connected()

        def do_GET(self) -> None:
            shown = self.connection.getpeercert() or {}
            who = next((value for part in shown.get("subject", ()) for name, value in part if name == "commonName"), "")
            resumed = bool(self.connection.session_reused)
            of.came.append(Came(self.path, who, self.number, resumed, self.headers.get("Authorization", "")))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler


@contextmanager
def mutual_tls(of: Authority, clients: Authority, *, demands: bool = False) -> Iterator[MutualTls]:
    server = MutualTls(of, clients, demands=demands)
    try:
        yield server
    finally:
        server.close()
