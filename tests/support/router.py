"""A stand-in for the router in front of cells: it sends a request on by the AccountSID in its address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from environment.addresses import LOCALHOST

_PASSED_ON = ("Authorization", "Content-Type", "Accept")


class Router:
    """`cells` maps an AccountSID to the address of its cell; one that it lacks is held: its callers get 503."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cells: dict[str, str] = {}
        self.held = 0
        self._under_way = 0
        self._changed = threading.Condition()

    def send(self, account: str, cell: str | None) -> None:
        """From now on to this cell, or to none; nothing is under way to another when this returns."""
        with self._changed:
            if cell is None:
                self.cells.pop(account, None)
            else:
                self.cells[account] = cell
            self._changed.wait_for(lambda: self._under_way == 0)

    def begin(self, account: str) -> str | None:
        with self._changed:
            cell = self.cells.get(account)
            self._under_way += cell is not None
            self.held += cell is None
            return cell

    def done(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()


@contextmanager
def running_router() -> Iterator[Router]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            cell = router.begin(self.path.split("/")[2])
            if cell is None:
                self._answer(503, b"")
                return
            try:
                headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
                answer = requests.request(
                    self.command, cell + self.path, data=body, headers=headers, timeout=30, allow_redirects=False
                )
            finally:
                router.done()
            self._answer(answer.status_code, answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 -- as http.server names them

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer((LOCALHOST, 0), Handler)
    router = Router(f"http://{LOCALHOST}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield router
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
