"""One connection: uvicorn's reading of HTTP, bounded in time and size, and before it the short way of reports.

A caller sends the same head with each of its reports. One that was read once, and found usual, is known by its bytes:
the report behind it is answered without reading the head again, and without a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from front import lean
from front.handler import Headers
from front.heads import END, Heads
from front.spread import Spread, is_batch

logger = logging.getLogger(__name__)

# From the connection, or the end of the answer before, to the end of the headers; and for a client that takes nothing
# of its answer.
QUIET_SECONDS: Final = 10.0
# Request line and headers. Browsers and proxies send at most 32 kB.
HEADER_BYTES: Final = 64 * 1024
# For so long, a process that ends waits for the request of a connection.
ON_ITS_WAY_SECONDS: Final = 0.5
# What a client sends ahead of its answer; then nothing more is read.
_AHEAD_BYTES: Final = 64 * 1024


class Connection(HttpToolsProtocol):
    """A client's connection. `reports` answers what it can at once; the ASGI application of `config` all else.

    `passed_on` is what another process has read of it, when it passed on a batch. `on_lost` is called at its end.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        heads: Heads,
        reports: lean.Lean | None,
        *,
        spread: Spread | None = None,
        passed_on: bytes = b"",
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config, state, {})
        self.logger = logger
        self.access_log = False
        self._heads = heads
        self._reports = reports
        self._spread = spread
        self._passed_on = passed_on
        self._on_lost = on_lost
        self._quiet_since = self.loop.time()
        self._unsent = 0  # Of its answers, when it was looked at last.
        # Of the long way.
        self._is_between = True  # Nothing of the next request has been read.
        self._in_head = self._has_read_head = False
        self._head_bytes = 0
        self._is_offer = False  # The request that is being read offers another protocol: it is read once more.
        self._begins_with = b""  # The bytes with which the head began that is being read.
        self._is_broken = False
        self._has_begun = False  # There is a cycle: uvicorn's of a request and its answer.
        # Of the short way.
        self._is_answering = False
        self._is_last = False  # No request is answered after this one.
        self._ahead = b""  # What came behind a report that is being answered, or the beginning of one.

    @property
    def is_free(self) -> bool:
        """Whether no request is being answered."""
        return not self._is_answering and not self.pipeline and (not self._has_begun or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin, with what another process has read."""
        super().connection_made(transport)
        if self._passed_on:
            self.data_received(self._passed_on)
            self._passed_on = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if self._spread is not None:
            self._spread.end(self)
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()

    def data_received(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._is_broken:
            return
        if self._ahead:
            data, self._ahead = self._ahead + data, b""
        if self._is_answering:
            self._ahead = data
            if len(data) > _AHEAD_BYTES:
                self.flow.pause_reading()
        elif not (self._is_between and self._reports is not None and self.is_free and self._is_short(data)):
            self._read(data)

    def _is_short(self, data: bytes) -> bool:
        """Whether this is a report behind a known head, or the beginning of one: then it goes the short way."""
        end = data.find(END)
        head = self._heads.find(data[:end]) if end > 0 else None
        if head is None or self._reports is None or self.flow.write_paused:
            return False
        missing = end + len(END) + head.length - len(data)
        if missing > 0:
            self._ahead = data
        elif missing == 0:
            self._is_answering = True
            if not self._reports.begin(head.request, data[end + len(END) :], self._answered):
                self._is_answering = False
                return False
        return missing >= 0

    def _answered(self, answer: lean.Answer) -> None:
        """Send the answer to a report on the short way, and go on."""
        self._is_answering = False
        if self.transport.is_closing():
            return
        self.transport.write(_whole(*answer, self.server_state.default_headers, is_last=self._is_last))
        if self._is_last:
            self.transport.close()
            return
        self._quiet_since = self.loop.time()
        self.flow.resume_reading()
        if self._ahead:
            data, self._ahead = self._ahead, b""
            self.data_received(data)

    def _read(self, data: bytes) -> None:
        """The long way."""
        if self._is_between:
            self._begins_with = data
        self._has_read_head = False
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _PassedOnError):
                self._is_broken = True
                return
            self._refuse(431 if isinstance(error.__context__, _TooLongError) else 400)
        if self._in_head and not self._has_read_head:  # All of it is head.
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES and not self._is_broken:
                self._refuse(431)

    def _parse(self, data: bytes) -> None:
        """Give these bytes to the parser. A request that offers another protocol is read as one that does not.

        Java's client offers HTTP/2 with each request. The parser would end the request with its head, and take its body
        for the next one.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as end:
                data = self._head_without_offer() + data[end.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # As uvicorn's.
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head that was read last, with a `Connection` that does not speak of another protocol."""
        parser = self.parser
        lines = [b"%s %s HTTP/%s" % (parser.get_method(), self.url, parser.get_http_version().encode())]
        for name, value in self.headers:
            kept = _without_offer(value) if name == b"connection" else value
            lines.append(b"%s: %s" % (name, kept))
        return b"\r\n".join(lines) + END

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self._is_between, self._in_head, self._head_bytes, self._is_offer = False, True, 0, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, which takes the space behind a value for a part of it (RFC 9112, 5: it is none)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._in_head, self._has_read_head = False, True
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEADER_BYTES:
            raise _TooLongError
        if self.parser.get_method() == b"CONNECT":
            raise _TunnelError
        self._is_offer = self.parser.should_upgrade()
        if self._is_offer:
            if self._head_bytes:
                self._begins_with = b""  # That was not all of it.
            return
        self._spread_batch()
        super().on_headers_complete()
        self._has_begun = True
        data, self._begins_with = self._begins_with, b""
        if data and self._reports is not None and self.cycle.keep_alive:
            self._heads.learn(data, self.scope)

    def _spread_batch(self) -> None:
        """Let another process have a batch, if all of it that has been read is at hand; or begin it here.

        Raises:
            _PassedOnError: another one has it.
        """
        if self._spread is None or not is_batch(self.parser.get_method(), self.url, dict(self.headers)):
            return
        # Its head has come in one piece, behind nothing else, and to this process first.
        data = b"" if self._head_bytes or self._passed_on or not self.is_free else self._begins_with
        if data and self._spread.pass_on(self.transport, data):
            raise _PassedOnError
        self._spread.begin(self)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._is_offer:
            return
        self._is_between, self._begins_with = True, b""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called by the answer. Instead of a timer for each, `look` sees who has fallen silent."""
        self._quiet_since = self.loop.time()
        if self._spread is not None:
            self._spread.end(self)
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())

    def look(self, now: float) -> None:
        """To be called once a second: what has come of a report goes the long way, and who is silent is cut off."""
        if self._ahead and not self._is_answering:
            data, self._ahead = self._ahead, b""
            self._read(data)
        unsent = self.transport.get_write_buffer_size()
        if not self.is_free or (unsent and unsent != self._unsent):
            self._quiet_since = now
        elif now - self._quiet_since > QUIET_SECONDS:
            if unsent:
                self.transport.abort()
            else:
                self.transport.close()
        self._unsent = unsent

    def shutdown(self) -> None:
        """End with the answer that is being made, or to come: a request may be on its way on what was just opened."""
        self._is_last = True
        if not self.is_free and self._has_begun:
            self.cycle.keep_alive = False
        elif self.is_free and not self._ahead and self.loop.time() - self._quiet_since > ON_ITS_WAY_SECONDS:
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.keep_alive = cycle.keep_alive and not self._is_last
        super()._start_asgi_task(cycle, app)

    def _refuse(self, status: int) -> None:
        """Of what cannot be read: nobody knows where the next request begins, so nothing is read any more."""
        logger.warning("A request cannot be read: %d.", status)
        self._is_broken = True
        cycle = self.cycle
        if self.is_free or (cycle.more_body and not cycle.response_started and not self.pipeline):
            phrase = HTTPStatus(status).phrase.encode()
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(phrase))]
            self.transport.write(_whole(status, headers, phrase, self.server_state.default_headers, is_last=True))
            self.transport.close()
        else:  # What came before has its answer first.
            cycle.keep_alive = False


def _without_offer(connection: bytes) -> bytes:
    """This value of a `Connection` header, without what the parser takes for an offer."""
    return b",".join([option for option in connection.split(b",") if b"upgrade" not in option.lower()])


class _TooLongError(Exception):
    """The head is longer than is read."""


class _TunnelError(Exception):
    """What follows the head would be no request."""


class _PassedOnError(Exception):
    """Another process has the request."""


def _whole(status: int, headers: Headers, body: bytes, more: Headers, *, is_last: bool) -> bytes:
    parts = [STATUS_LINE[status]]
    for name, value in more:
        parts += name, b": ", value, b"\r\n"
    for name, value in headers:
        parts += name, b": ", value, b"\r\n"
    parts.append(b"connection: close\r\n\r\n" if is_last else b"\r\n")
    parts.append(body)
    return b"".join(parts)
