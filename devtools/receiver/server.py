"""A small HTTP/1.1 server on asyncio: keep-alive, pipelining, answers that may be late, missing or cut off.

The handler is called as soon as a request is complete and returns at once what should happen. The server does the
waiting, so a slow answer delays only the requests behind it on the same connection (HTTP/1.1 answers in order).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import cast

from devtools.receiver.parser import BadRequest, Request, RequestParser

_BACKLOG = 4096  # Connections waiting to be accepted; thousands of lanes may connect at once.
_LINGER_SECONDS = 2.0  # Enough for a sender to notice an answer that came before it finished sending.
_PENDING_ANSWERS_LIMIT = 1024  # Per connection; at this limit reading stops until some answers have been sent.


@dataclass(frozen=True)
class Response:
    """An answer, sent `delay_seconds` after the request has arrived."""

    status: int = 200
    body: str | bytes = "OK"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0

    @cached_property
    def head(self) -> bytes:
        """Status line and headers, without the empty line that ends them."""
        headers = {} if self._is_bodiless else {"Content-Type": "text/plain; charset=utf-8"}
        headers.update(self.headers)
        if not self._is_bodiless:
            headers["Content-Length"] = str(len(self.body_bytes))
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return "".join(f"{line}\r\n" for line in lines).encode()

    @property
    def _is_bodiless(self) -> bool:
        return self.status in {204, 304}

    @cached_property
    def body_bytes(self) -> bytes:
        if self._is_bodiless:
            return b""
        return self.body.encode() if isinstance(self.body, str) else self.body

    @cached_property
    def usual_bytes(self) -> bytes:
        """The whole answer in the form that nearly every request gets."""
        return self.head + b"\r\n" + self.body_bytes

    def bytes_for(self, request: Request) -> bytes:
        """The whole answer to this request."""
        if request.keeps_alive and not request.is_http_1_0 and request.method != "HEAD":
            return self.usual_bytes
        connection = b"keep-alive" if request.keeps_alive else b"close"
        body = b"" if request.method == "HEAD" else self.body_bytes
        return self.head + b"Connection: " + connection + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Close:
    """No answer: the connection is closed."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, ever: the connection stays open and silent."""


Answer = Response | Close | Hang
Handler = Callable[[Request, float], Answer]
"""Takes a request and the `time.monotonic()` at which its last byte was read."""
RefusedHandler = Callable[[BadRequest], None]


class ReceiverServer:
    """One listening socket and its connections. `start` and `close` belong in the loop's own thread."""

    def __init__(self, handler: Handler, on_refused: RefusedHandler = lambda _refused: None) -> None:
        self.handler = handler
        self.on_refused = on_refused
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port, which the system chooses if `port` is 0. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, loop), host, port, backlog=_BACKLOG)
        bound_port: int = self._server.sockets[0].getsockname()[1]
        return bound_port

    def close(self) -> None:
        """Stops listening and cuts off all connections, answered or not."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, server: ReceiverServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._parser = RequestParser()
        self._transport: asyncio.Transport
        # Due time, bytes, and whether the connection ends after them; in the order of the requests.
        self._answers: deque[tuple[float, bytes, bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._hangs = False  # The last request read gets no answer.
        self._lingers = False  # The sender may be in the middle of a body that will not be read.
        self._ends = False  # The last answer is queued.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # What create_server makes.
        self._server.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._ends or self._hangs:
            return
        arrived_at = time.monotonic()
        try:
            for request in self._parser.feed(data):
                if not self._answer(request, arrived_at):
                    break
            else:
                if self._parser.take_expectation():
                    self._queue(arrived_at, b"HTTP/1.1 100 Continue\r\n\r\n", ends=False)
        except BadRequest as refused:
            self._server.on_refused(refused)
            self._refuse(refused, arrived_at)
        self._send_due()

    def eof_received(self) -> bool:
        self._ends = True
        return bool(self._answers) and not self._hangs  # True keeps the connection open for pending answers.

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        if len(self._answers) < _PENDING_ANSWERS_LIMIT:
            self._transport.resume_reading()

    def _answer(self, request: Request, arrived_at: float) -> bool:
        """Queues what the handler wants; False if the connection takes no more requests."""
        answer = self._server.handler(request, arrived_at)
        if isinstance(answer, Response):
            due = arrived_at + answer.delay_seconds
            self._queue(due, answer.bytes_for(request), ends=not request.keeps_alive)
            return request.keeps_alive
        if isinstance(answer, Close):
            self._queue(arrived_at, b"", ends=True)
        else:
            self._hangs = True
        return False

    def _refuse(self, refused: BadRequest, arrived_at: float) -> None:
        response = Response(refused.status, f"{refused.reason}\n", {"Connection": "close"})
        self._queue(arrived_at, response.usual_bytes, ends=True)
        self._lingers = True

    def _queue(self, due: float, payload: bytes, *, ends: bool) -> None:
        self._answers.append((due, payload, ends))
        self._ends |= ends
        if len(self._answers) == _PENDING_ANSWERS_LIMIT:
            self._transport.pause_reading()

    def _send_due(self) -> None:
        """Writes the answers that are due, and sets the timer for the first one that must wait."""
        answers = self._answers
        now = time.monotonic()
        payloads = []
        closes = False
        was_full = len(answers) >= _PENDING_ANSWERS_LIMIT
        while answers and answers[0][0] <= now and not closes:
            _, payload, closes = answers.popleft()
            payloads.append(payload)
        if payloads:
            self._transport.write(b"".join(payloads))
        if closes or (self._ends and not answers and not self._hangs):
            self._end()
        elif answers and self._timer is None:
            self._timer = self._loop.call_at(answers[0][0], self._on_timer)
        if was_full and len(answers) < _PENDING_ANSWERS_LIMIT:
            self._transport.resume_reading()

    def _end(self) -> None:
        if not self._lingers:
            self._transport.close()
        elif not self._transport.is_closing() and self._timer is None:
            # Closing with bytes unread resets the connection, and the sender would never see the answer.
            self._transport.write_eof()
            self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def _on_timer(self) -> None:
        self._timer = None
        self._send_due()
