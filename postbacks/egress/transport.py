"""How postbacks go out: libcurl is the wire.

A `Request` goes in; an `Answer` or a `Failure` comes out. `send` sends one request; the engine's sender drives many
`Call`s at once. Both use the same handle with the same options, so what a test send shows is what production does.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Mapping
from typing import Any

import certifi
import pycurl
from django.conf import settings

from postbacks.egress.answer import Answer, answer_of
from postbacks.egress.destination import connection_refusal, destination_refusal
from postbacks.egress.encodings import ACCEPTED
from postbacks.egress.failures import (
    CUT_ANSWER,
    LATE_ANSWER,
    LATE_CONNECTION,
    NO_CONNECTION,
    UNKNOWN_HOST,
    Code,
    Failure,
)
from postbacks.request.building import Request

# Enough for any verdict, as received and unpacked. A larger body is cut, and where more comes the connection with it.
MAX_RESPONSE_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
SMALL_BODY_BYTES = 4 * 1024  # May stay with an idle handle.

_ADDED_BY_LIBCURL = ("Accept", "Content-Type", "Expect", "User-Agent")

# libcurl's numbers; pycurl has no names for these.
_E_HTTP2_STREAM, _E_TOO_LARGE = 92, 100
_SUPPRESS_CONNECT_HEADERS = 265

INVALID_CERTIFICATE = Failure(Code.TLS, "The server's TLS certificate is not valid for this host.")
NO_PROXY = Failure(Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) could not be reached.")
_HUGE_HEADERS = Failure(Code.BAD_ANSWER, "The answer's headers are too large.")

_FAILURES: dict[int, Failure] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: Failure(Code.INVALID_URL, "Only http and https URLs can be called."),
    pycurl.E_URL_MALFORMAT: Failure(Code.INVALID_URL, "The URL is malformed."),
    pycurl.E_COULDNT_RESOLVE_HOST: UNKNOWN_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY: NO_PROXY,
    pycurl.E_COULDNT_CONNECT: NO_CONNECTION,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: Failure(Code.BAD_ANSWER, "The answer was not HTTP."),
    pycurl.E_PARTIAL_FILE: Failure(Code.BAD_ANSWER, "The connection was closed before the whole answer had come."),
    pycurl.E_SSL_CONNECT_ERROR: Failure(Code.TLS, "The TLS handshake failed."),
    pycurl.E_PEER_FAILED_VERIFICATION: INVALID_CERTIFICATE,
    pycurl.E_SSL_CIPHER: Failure(Code.TLS, "No TLS cipher in common with the server."),
    pycurl.E_GOT_NOTHING: Failure(Code.BROKEN, "The server closed the connection without an answer."),
    pycurl.E_SEND_ERROR: Failure(Code.BROKEN, "The connection broke while the request was sent."),
    pycurl.E_RECV_ERROR: CUT_ANSWER,
    # Of the transfer (`Transfer-Encoding: gzip`), which nobody asked for.
    pycurl.E_BAD_CONTENT_ENCODING: Failure(Code.BAD_ANSWER, "The answer came in a transfer encoding that is not used."),
    pycurl.E_HTTP2: Failure(Code.BAD_ANSWER, "The server broke the HTTP/2 protocol."),
    _E_HTTP2_STREAM: Failure(Code.BAD_ANSWER, "The server broke the HTTP/2 stream."),
    _E_TOO_LARGE: _HUGE_HEADERS,
    pycurl.E_WRITE_ERROR: _HUGE_HEADERS,  # By `_on_header`; a body that we cut is not a failure.
}
_SILENT_PROXY = Failure(Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) opened no connection to the host.")
_ON_THE_WIRE = (Code.BROKEN, Code.TLS, Code.BAD_ANSWER)
_LATE_HANDSHAKE = Failure(Code.CONNECT_TIMEOUT, "The TLS handshake did not end in time.")

# A proxy that answers CONNECT so has tried, and speaks of the destination; any other refusal is its own.
_SAID_BY_GATEWAYS = {502: Code.REFUSED, 503: Code.REFUSED, 504: Code.CONNECT_TIMEOUT}


class Call:
    """A reusable curl handle with the request that it carries and the answer that it gathers."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_header_bytes",
        "_header_lines",
        "_loaded_headers",
        "_loaded_method",
        "_opened",
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
        curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)  # What the proxy says first does not belong to the answer.
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
        self._refused: Failure | None = None
        self._opened = False  # Of several addresses one may be refused and another one tried: that one counts.
        self.truncated = False

    def prepare(self, request: Request) -> Failure | None:
        """Loads the request into the handle. Returns why it cannot be sent: libcurl refuses it outright, or a proxy
        would be asked to connect to what may not be called."""
        self._reset()
        if self._proxied and (refused := destination_refusal(request.url)) is not None:
            return refused
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
            return Failure(Code.INVALID_URL, f"The request cannot be sent: {error}")
        self.started = time.monotonic()
        return None

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
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        return answer_of(status, b"".join(self._body), text, MAX_RESPONSE_BYTES, cut=self.truncated)

    def failure(self, code: int, message: str) -> Failure:
        """What a libcurl error code and its message say."""
        if self._refused is not None and not self._opened and code == pycurl.E_COULDNT_CONNECT:
            return self._refused
        if self._proxied and (failure := self._failure_of_proxy(code)) is not None:
            return failure
        was_sent = self.curl.getinfo(pycurl.REQUEST_SIZE) > 0
        if code == pycurl.E_UNSUPPORTED_PROTOCOL and was_sent:
            code = pycurl.E_FTP_WEIRD_SERVER_REPLY  # libcurl gives the same code for an answer that is not HTTP.
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if was_sent:
                return LATE_ANSWER
            return _LATE_HANDSHAKE if self.curl.getinfo(pycurl.CONNECT_TIME) > 0 else LATE_CONNECTION
        return _FAILURES.get(code) or Failure(Code.OTHER, f"The request failed: {message or 'unknown error'}.")

    def _failure_of_proxy(self, code: int) -> Failure | None:
        """What failed between us and the proxy, or was said by it; None for what lies behind it."""
        if (status := self.curl.getinfo(pycurl.HTTP_CONNECTCODE)) >= 300:
            said = _SAID_BY_GATEWAYS.get(status)
            if said is not None:
                return Failure(said, f"The egress proxy could not reach the host: it answered with status {status}.")
            return Failure(Code.PROXY, f"The egress proxy refused the connection, with status {status}.")
        if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_HOST):  # No other name is looked up here.
            return NO_PROXY
        if status or self.curl.getinfo(pycurl.REQUEST_SIZE):
            return None  # The tunnel was open, or the request on its way.
        if code == pycurl.E_OPERATION_TIMEDOUT:
            # A proxy that does not answer CONNECT is most likely waiting for the host.
            return LATE_CONNECTION if self.curl.getinfo(pycurl.CONNECT_TIME) > 0 else NO_PROXY
        known = _FAILURES.get(code)
        return _SILENT_PROXY if known is not None and known.code in _ON_THE_WIRE else None

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
        self._refused = connection_refusal(host, where[1])
        if self._refused is not None:
            return int(pycurl.SOCKET_BAD)
        self._opened = True
        return socket.socket(family, kind, protocol)


def send(request: Request) -> Answer | Failure:
    """Sends one request, with the guard, the timeouts and the certificate checks of every other."""
    call = Call()
    # Slower than a byte a second for so long: above all, a first byte that does not come.
    call.curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
    call.curl.setopt(pycurl.LOW_SPEED_TIME, math.ceil(settings.POSTBACKS_RESPONSE_TIMEOUT))
    try:
        if (failure := call.prepare(request)) is not None:
            return failure
        call.curl.perform()
        return call.answer()
    except pycurl.error as error:
        return call.answer() if call.truncated else call.failure(*error.args)
    finally:
        call.curl.close()


def _header_lines(headers: Mapping[str, str]) -> list[bytes]:
    """As libcurl takes them. Those that it would add are switched off: `Host` and `Accept-Encoding` apart, what is
    recorded is what was sent. libcurl is not told to unpack answers, which `postbacks.egress.encodings` does."""
    given = {name.lower() for name in headers}
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    if "accept-encoding" not in given:
        lines.append(f"Accept-Encoding: {ACCEPTED}")
    lines += [f"{name}:" for name in _ADDED_BY_LIBCURL if name.lower() not in given]
    return [line.encode() for line in lines]
