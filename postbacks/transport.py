"""The one way out: libcurl is the wire.

A `Request` goes in; an `Answer` or one of the exceptions of `requests` comes out, its text being one short sentence for
people. `send` sends one request; the engine's sender drives many `Call`s at once. Both use the same handle with the
same options, so what a test send shows is what production does.

    RequestException
    ├── ConnectionError      never reached: refused, reset, no such host, address not allowed
    │   ├── SSLError         reached, but no trust
    │   └── ConnectTimeout   no connection in time
    ├── ReadTimeout          reached, but no complete answer in time
    ├── InvalidURL           cannot be sent at all
    └── ChunkedEncodingError and others: an answer that is not HTTP
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import certifi
import pycurl
from django.conf import settings
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004 -- requests' own name, the vocabulary here
    ConnectTimeout,
    ContentDecodingError,
    InvalidURL,
    ReadTimeout,
    RequestException,
    SSLError,
)
from requests.structures import CaseInsensitiveDict

from postbacks.destination import destination_refusal
from postbacks.guard import refusal
from postbacks.ports import port_refusal
from postbacks.request import Request

MAX_RESPONSE_BYTES = 64 * 1024  # Enough for any verdict; a larger body is cut, and the connection with it.
MAX_HEADER_BYTES = 64 * 1024
SMALL_BODY_BYTES = 4 * 1024  # May stay with an idle handle.

_ADDED_BY_LIBCURL = ("Accept", "Content-Type", "Expect", "User-Agent")

UNKNOWN_HOST = "The host name could not be resolved."
NO_CONNECTION = "The connection was refused or the host could not be reached."
NO_PROXY = "The egress proxy (POSTBACKS_EGRESS_PROXY) could not be reached."

# libcurl's numbers; pycurl has no names for these.
_E_HTTP2_STREAM, _E_TOO_LARGE = 92, 100
_SUPPRESS_CONNECT_HEADERS = 265

# libcurl's codes in one sentence each, with the exception that says how far the request came.
_FAILURES: dict[int, tuple[type[RequestException], str]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: (InvalidURL, "Only http and https URLs can be called."),
    pycurl.E_URL_MALFORMAT: (InvalidURL, "The URL is malformed."),
    pycurl.E_COULDNT_RESOLVE_HOST: (ConnectionError, UNKNOWN_HOST),
    pycurl.E_COULDNT_RESOLVE_PROXY: (ConnectionError, NO_PROXY),
    pycurl.E_COULDNT_CONNECT: (ConnectionError, NO_CONNECTION),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: (ChunkedEncodingError, "The answer was not HTTP."),
    pycurl.E_PARTIAL_FILE: (ChunkedEncodingError, "The connection was closed before the whole answer had come."),
    pycurl.E_SSL_CONNECT_ERROR: (SSLError, "The TLS handshake failed."),
    pycurl.E_PEER_FAILED_VERIFICATION: (SSLError, "The server's TLS certificate is not valid for this host."),
    pycurl.E_SSL_CIPHER: (SSLError, "No TLS cipher in common with the server."),
    pycurl.E_GOT_NOTHING: (ConnectionError, "The server closed the connection without an answer."),
    pycurl.E_SEND_ERROR: (ConnectionError, "The connection broke while the request was sent."),
    pycurl.E_RECV_ERROR: (ConnectionError, "The connection broke before the whole answer had come."),
    pycurl.E_BAD_CONTENT_ENCODING: (ContentDecodingError, "The answer's encoding could not be read."),
    pycurl.E_HTTP2: (ChunkedEncodingError, "The server broke the HTTP/2 protocol."),
    _E_HTTP2_STREAM: (ChunkedEncodingError, "The server broke the HTTP/2 stream."),
    _E_TOO_LARGE: (ChunkedEncodingError, "The answer's headers are too large."),
    # By `_on_header`; a body that we cut is no failure.
    pycurl.E_WRITE_ERROR: (ChunkedEncodingError, "The answer's headers are too large."),
}


class Answer:
    """What came back: the status, the headers, and the body as far as it was read."""

    def __init__(self, status_code: int, content: bytes = b"", header_text: str = "") -> None:
        self.status_code = status_code
        self.content = content
        self.header_text = header_text
        """One `Name: value` a line, as received."""

    @cached_property
    def headers(self) -> CaseInsensitiveDict[str]:
        """By name; of one that came twice, the values joined by a comma. Strangers wrote them: read leniently."""
        headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        for line in self.header_text.split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                name, value = name.strip(), value.strip()
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers


class Call:
    """A reusable curl handle with the request that it carries and the answer that it gathers."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_header_bytes",
        "_header_lines",
        "_loaded_headers",
        "_loaded_method",
        "_proxied",
        "_refused",
        "curl",
        "request",
        "started",
        "truncated",
    )

    def __init__(self) -> None:
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        # Never those of the environment: of a proxy, the guard sees only the proxy's own address.
        self._proxied = bool(settings.POSTBACKS_EGRESS_PROXY)
        curl.setopt(pycurl.PROXY, str(settings.POSTBACKS_EGRESS_PROXY))
        curl.setopt(pycurl.NOPROXY, "")
        curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)  # What the proxy says before is no part of the answer.
        curl.setopt(pycurl.CAINFO, certifi.where())
        curl.setopt(pycurl.PROXY_CAINFO, certifi.where())
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, round(settings.POSTBACKS_CONNECT_TIMEOUT * 1000))
        curl.setopt(pycurl.TIMEOUT_MS, round(settings.POSTBACKS_TOTAL_TIMEOUT * 1000))
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        # What the handle was last told, so as not to tell it again.
        self._loaded_method = ""
        self._loaded_headers: Mapping[str, str] | None = None
        self._reset()

    def _reset(self) -> None:
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._header_lines: list[bytes] = []
        self._header_bytes = 0
        self._refused: str | None = None
        self.truncated = False

    def prepare(self, request: Request) -> None:
        """Loads the request into the handle. Raises InvalidURL where libcurl refuses it outright, and ConnectionError
        where a proxy would be asked to connect to what may not be called."""
        self._reset()
        if self._proxied and (refused := destination_refusal(request.url)) is not None:
            raise ConnectionError(refused)
        self.request = request
        curl = self.curl
        try:
            curl.setopt(pycurl.URL, request.url)
            if request.headers is not self._loaded_headers:
                self._loaded_headers = None
                curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
                self._loaded_headers = request.headers
            if request.method != self._loaded_method:
                self._loaded_method = request.method
                curl.setopt(pycurl.HTTPGET if request.method == "GET" else pycurl.POST, 1)
            if request.method != "GET":
                curl.setopt(pycurl.POSTFIELDS, request.body or b"")
        except (pycurl.error, UnicodeError, TypeError) as error:
            raise InvalidURL(f"The request cannot be sent: {error}") from error
        self.started = time.monotonic()

    @property
    def unanswered(self) -> bool:
        """Not a byte of an answer has come yet."""
        return self._header_bytes == 0

    def forget(self) -> None:
        """Lets go of what may be large, before the handle waits for its next use."""
        self._reset()
        if len(self.request.body or b"") > SMALL_BODY_BYTES:
            self.curl.setopt(pycurl.POSTFIELDS, b"")

    def answer(self) -> Answer:
        """The answer, once the transfer has succeeded (or was cut by us)."""
        headers = b"".join(self._header_lines[1:])  # The first is the status.
        text = headers.decode("latin-1").replace("\r\n", "\n").strip("\n")
        return Answer(self.curl.getinfo(pycurl.RESPONSE_CODE), b"".join(self._body), text)

    def failure(self, code: int, message: str) -> RequestException:
        """The exception for a libcurl error code, its text for people."""
        if self._refused is not None and code == pycurl.E_COULDNT_CONNECT:
            return ConnectionError(self._refused)
        if self._proxied:
            if (status := self.curl.getinfo(pycurl.HTTP_CONNECTCODE)) >= 300:
                return ConnectionError(f"The egress proxy refused the connection, with status {status}.")
            if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_HOST):  # No other name is looked up here.
                return ConnectionError(NO_PROXY)
        was_sent = self.curl.getinfo(pycurl.REQUEST_SIZE) > 0
        if code == pycurl.E_UNSUPPORTED_PROTOCOL and was_sent:
            code = pycurl.E_FTP_WEIRD_SERVER_REPLY  # libcurl's word also for an answer that is not HTTP.
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if not was_sent:
                connected = self.curl.getinfo(pycurl.CONNECT_TIME) > 0
                return ConnectTimeout(
                    "The TLS handshake did not end in time." if connected else "No connection could be made in time."
                )
            return ReadTimeout("The server did not answer in time.")
        kind, text = _FAILURES.get(code, (RequestException, f"The request failed: {message or 'unknown error'}."))
        return kind(text)

    def _on_body(self, chunk: bytes) -> int:
        room = MAX_RESPONSE_BYTES - self._body_bytes
        if len(chunk) > room:
            self._body.append(chunk[:room])
            self._body_bytes = MAX_RESPONSE_BYTES
            self.truncated = True
            return -1  # Fewer than it got: libcurl ends the transfer with a write error.
        self._body.append(chunk)
        self._body_bytes += len(chunk)
        return len(chunk)

    def _on_header(self, line: bytes) -> int:
        self._header_bytes += len(line)
        if self._header_bytes > MAX_HEADER_BYTES:
            return -1
        if line.startswith(b"HTTP/"):
            self._header_lines.clear()  # An interim answer (1xx) came before this one.
        self._header_lines.append(line)
        return len(line)

    def _open_socket(self, _purpose: int, address: tuple[int, int, int, tuple[Any, ...]]) -> socket.socket | int:
        """The guard: sees the address that is really connected to, whatever the name resolved to before."""
        family, kind, protocol, where = address
        if self._proxied:  # This is the proxy. What it may reach is for its own rules.
            return socket.socket(family, kind, protocol)
        host = where[0] if isinstance(where[0], str) else where[0].decode()
        self._refused = refusal(host, settings.POSTBACKS_ALLOWED_NETWORKS) or port_refusal(
            where[1], settings.POSTBACKS_ALLOWED_PORTS
        )
        if self._refused is not None:
            return int(pycurl.SOCKET_BAD)
        return socket.socket(family, kind, protocol)


def send(request: Request) -> Answer:
    """Sends one request, with the guard, the timeouts and the certificate checks of every other.

    Raises a RequestException, its text for people.
    """
    call = Call()
    # Slower than a byte a second for so long: above all, a first byte that does not come.
    call.curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
    call.curl.setopt(pycurl.LOW_SPEED_TIME, math.ceil(settings.POSTBACKS_RESPONSE_TIMEOUT))
    try:
        call.prepare(request)
        call.curl.perform()
        return call.answer()
    except pycurl.error as error:
        if call.truncated:
            return call.answer()
        raise call.failure(*error.args) from error
    finally:
        call.curl.close()


def _header_lines(headers: Mapping[str, str]) -> list[bytes]:
    """As libcurl takes them. Those that it would add are switched off: what is recorded is what was sent."""
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    given = {name.lower() for name in headers}
    lines += [f"{name}:" for name in _ADDED_BY_LIBCURL if name.lower() not in given]
    return [line.encode() for line in lines]
