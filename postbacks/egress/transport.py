"""How postbacks go out: libcurl is the wire.

A `Request` goes in; an `Answer` or a `Failure` comes out. `send` sends one request; the engine's sender drives many
`Call`s at once. Both use the same handle with the same options, so what a test send shows is what production does.

A call makes one request. On its own, libcurl repeats a request up to five times where a kept connection ends without an
answer, and also where an answer asks for it: unseen, with the same `{Attempt}`, and beside Maximum Requests.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping
from typing import Any

import certifi
import pycurl
from django.conf import settings

from postbacks.credentials.asking.certificates import Tls
from postbacks.egress import built_in, curl_failures
from postbacks.egress.answer import Answer, answer_of
from postbacks.egress.destination import connection_refusal, destination_refusal
from postbacks.egress.encodings import ACCEPTED
from postbacks.egress.failures import LATE_ANSWER, LATE_CONNECTION, Code, Failure
from postbacks.egress.gate import Gate, port_of
from postbacks.request.building import Request

# Enough for any verdict, as received and unpacked. A larger body is cut, and where more comes the connection with it.
MAX_RESPONSE_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
SMALL_BODY_BYTES = 4 * 1024  # May stay with an idle handle.

_ADDED_BY_LIBCURL = ("Accept", "Content-Type", "Expect", "User-Agent")

# libcurl's number; pycurl has no name for it.
_SUPPRESS_CONNECT_HEADERS = 265

# A proxy that answers CONNECT so has tried, and speaks of the destination; any other refusal is its own.
_SAID_BY_GATEWAYS = {502: Code.REFUSED, 503: Code.REFUSED, 504: Code.CONNECT_TIMEOUT}


class Call:
    """A reusable curl handle with the request that it carries and the answer that it gathers."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_careful",
        "_header_lines",
        "_loaded_headers",
        "_loaded_method",
        "_opened",
        "_proxied",
        "_refused",
        "_repeats",
        "_requested",
        "_reused",
        "_sockets",
        "_tls",
        "curl",
        "depart",
        "gate",
        "missed",
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
        curl.setopt(pycurl.SOCKOPTFUNCTION, self._on_socket_made)
        curl.setopt(pycurl.PREREQFUNCTION, self._on_request)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        # A method of C, called for each line. How long they may be in all is looked at in the end: libcurl itself takes
        # no more than 300 kB.
        self._header_lines: list[bytes] = []
        curl.setopt(pycurl.HEADERFUNCTION, self._header_lines.append)
        # What the handle was last told, so as not to tell it again.
        self._loaded_method = ""
        self._loaded_headers: Mapping[str, str] | None = None
        self._careful = False
        self._tls: Tls | None = None
        # Asked when the request may be written, with the descriptor of a connection that it has for itself: whether it
        # may go on, if only to the gate.
        self.depart: Callable[[int | None], bool] | None = None
        self.gate: Gate | None = None  # Behind which the request is held.
        self.started = 0.0  # On the monotonic clock; for the sender, which knows when.
        self._reset()

    def _reset(self) -> None:
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._header_lines.clear()
        self._refused: Failure | None = None
        self._opened = False  # Of several addresses one may be refused and another one tried: that one counts.
        self._requested = False  # The request is being written, or has been.
        self._reused = False  # … on a connection that an earlier one had opened.
        self._repeats = False  # libcurl wanted to make it a second time.
        self.missed = False  # It might not leave, and was not sent.
        self._sockets: list[int] = []  # libcurl's descriptors.
        self.truncated = False

    def prepare(self, request: Request, *, careful: bool = False) -> Failure | None:
        """Loads the request into a handle that is new, or was told to `forget` the one before. Returns why it cannot be
        sent: libcurl refuses it outright, or a proxy would be asked to connect to what may not be called.

        A `careful` request has a new connection for itself alone and speaks HTTP/1.1, so it never ends as `DROPPED`.
        """
        if careful is not self._careful:
            self._careful = careful
            self.curl.setopt(pycurl.FRESH_CONNECT, careful)
            self.curl.setopt(pycurl.FORBID_REUSE, careful)
            version = pycurl.CURL_HTTP_VERSION_1_1 if careful else pycurl.CURL_HTTP_VERSION_2TLS
            self.curl.setopt(pycurl.HTTP_VERSION, version)
        if self._proxied and (refused := destination_refusal(request.url)) is not None:
            return refused
        self.request = request
        curl = self.curl
        try:
            curl.setopt(pycurl.URL, request.url)
            if request.tls is not self._tls:
                self._tell_tls(request.tls)
            if not self._has(request.headers):
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
        return None

    def _has(self, headers: Mapping[str, str]) -> bool:
        """Whether these are the headers that the handle was told last. Those of other postbacks are mostly equal, which
        is seen faster than they are told."""
        loaded = self._loaded_headers
        return headers is loaded or (loaded is not None and list(headers.items()) == list(loaded.items()))

    def _tell_tls(self, tls: Tls | None) -> None:
        """Whose certificate is shown on the connection, and who is trusted. libcurl takes a kept connection only for
        the same certificate and authorities; sessions of TLS are not kept for them at all."""
        certificate, key, authorities = tls or Tls()
        self._tls = tls
        for option, pem in (
            (pycurl.SSLCERT_BLOB, certificate),
            (pycurl.SSLKEY_BLOB, key),
            (pycurl.CAINFO_BLOB, authorities),  # Where there is none, CAINFO holds.
        ):
            self.curl.setopt(option, pem.encode() if pem else None)
        self.curl.setopt(pycurl.SSL_SESSIONID_CACHE, tls is None)

    @property
    def unanswered(self) -> bool:
        """Not a byte of an answer has come yet."""
        return not self._header_lines

    def forget(self) -> None:
        """Lets go of what may be large, before the handle waits for its next use."""
        self._reset()
        if len(self.request.body or b"") > SMALL_BODY_BYTES:
            self.curl.setopt(pycurl.POSTFIELDS, b"")

    def answer(self) -> Answer | Failure:
        """The answer, once the transfer has succeeded (or was cut by us); a failure if its headers are too long."""
        lines = b"".join(self._header_lines)
        if len(lines) > MAX_HEADER_BYTES:
            return curl_failures.HUGE_HEADERS
        _, _, headers = _without_interim(lines).partition(b"\n")
        text = headers.decode("latin-1").replace("\r\n", "\n").strip("\n")
        # Of a request that libcurl was kept from repeating, it no longer knows the status.
        status = self.curl.getinfo(pycurl.RESPONSE_CODE) or self._status
        return answer_of(status, b"".join(self._body), text, MAX_RESPONSE_BYTES, cut=self.truncated)

    @property
    def _status(self) -> int:
        """By the first line of the answer; 0 where it has none."""
        number = _without_interim(b"".join(self._header_lines)).partition(b"\n")[0].split()[1:2]
        return int(number[0]) if number and number[0].isdigit() else 0

    def ended(self, code: int, message: str) -> Answer | Failure:
        """What came of a transfer that libcurl ends with an error: an answer all the same if we cut it, or if libcurl
        would have made the request again because of it (401, 417)."""
        if self.truncated or (self._repeats and self._status >= 200):
            return self.answer()
        if sum(map(len, self._header_lines)) > MAX_HEADER_BYTES:
            return curl_failures.HUGE_HEADERS  # Of far longer ones libcurl says only that the connection broke.
        return self.failure(code, message)

    def failure(self, code: int, message: str) -> Failure:
        """What a libcurl error code and its message say."""
        if self._refused is not None and not self._opened and code == pycurl.E_COULDNT_CONNECT:
            return self._refused
        if self._proxied and (failure := self._failure_of_proxy(code)) is not None:
            return failure
        if (dropped := self._dropped(code)) is not None:
            return dropped
        was_sent = self.curl.getinfo(pycurl.REQUEST_SIZE) > 0
        if code == pycurl.E_UNSUPPORTED_PROTOCOL and was_sent:
            code = pycurl.E_FTP_WEIRD_SERVER_REPLY  # libcurl gives the same code for an answer that is not HTTP.
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if was_sent:
                return LATE_ANSWER
            return curl_failures.LATE_HANDSHAKE if self.curl.getinfo(pycurl.CONNECT_TIME) > 0 else LATE_CONNECTION
        if "alert" in message and "certificate" in message:  # Of OpenSSL, for what the server says as it hangs up.
            known: Failure | None = curl_failures.CLIENT_CERTIFICATE
        else:
            known = curl_failures.FAILURES.get(code)
        return known or Failure(Code.OTHER, f"The request failed: {message or 'unknown error'}.")

    def _dropped(self, code: int) -> Failure | None:
        """Why the request may be made again at once; None if it may not, or if it would end as before."""
        if not self.unanswered or self._careful:
            return None
        if self._reused and (self._repeats or code in curl_failures.ENDED):
            return curl_failures.DROPPED
        return curl_failures.NOT_TAKEN if self._repeats else None  # As HTTP/2 lets a server say, on any connection.

    def _failure_of_proxy(self, code: int) -> Failure | None:
        """What failed between us and the proxy, or was said by it; None for what lies behind it."""
        if (status := self.curl.getinfo(pycurl.HTTP_CONNECTCODE)) >= 300:
            said = _SAID_BY_GATEWAYS.get(status)
            if said is not None:
                return Failure(said, f"The egress proxy could not reach the host: it answered with status {status}.")
            return Failure(Code.PROXY, f"The egress proxy refused the connection, with status {status}.")
        if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_HOST):  # No other name is looked up here.
            return curl_failures.NO_PROXY
        if status or self.curl.getinfo(pycurl.REQUEST_SIZE):
            return None  # The tunnel was open, or the request on its way.
        if code == pycurl.E_OPERATION_TIMEDOUT:
            # A proxy that does not answer CONNECT is most likely waiting for the host.
            return LATE_CONNECTION if self.curl.getinfo(pycurl.CONNECT_TIME) > 0 else curl_failures.NO_PROXY
        known = curl_failures.FAILURES.get(code)
        return curl_failures.SILENT_PROXY if known is not None and known.code in curl_failures.ON_THE_WIRE else None

    def _on_request(self, _ip: str, _local_ip: str, _port: int, local_port: int) -> int:
        """libcurl has a connection and will write the request: the first time it may, unless its slot was missed."""
        self._repeats = self._requested
        if self._requested:
            return int(pycurl.PREREQFUNC_ABORT)
        self._reused = not self._opened
        if self.depart is not None:
            own = next((fd for fd in self._sockets if port_of(fd) == local_port), None)
            self.missed = not self.depart(own)
        self._requested = not self.missed
        return int(pycurl.PREREQFUNC_ABORT if self.missed else pycurl.PREREQFUNC_OK)

    def _on_socket_made(self, fd: int, _purpose: int) -> int:
        self._sockets.append(fd)
        return int(pycurl.SOCKOPT_OK)

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

    def _open_socket(self, _purpose: int, address: tuple[int, int, int, tuple[Any, ...]]) -> socket.socket | int:
        """The guard: sees the address that is really connected to, whatever the name resolved to before."""
        family, kind, protocol, where = address
        if self._proxied:  # This is the proxy. What it may reach is for its own rules.
            self._opened = True
            return socket.socket(family, kind, protocol)
        host = where[0] if isinstance(where[0], str) else where[0].decode()
        self._refused = connection_refusal(host, where[1])
        if self._refused is not None:
            return int(pycurl.SOCKET_BAD)
        self._opened = True
        return socket.socket(family, kind, protocol)


def send(request: Request) -> Answer | Failure:
    """Sends one request, with the guard, the timeouts and the certificate checks of every other."""
    if (taken := built_in.answer(request)) is not None:
        return taken
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
        return call.ended(*error.args)
    finally:
        call.curl.close()


def _without_interim(lines: bytes) -> bytes:
    """The lines of the last answer, without those of interim ones (1xx) before it."""
    return lines[lines.rfind(b"\nHTTP/") + 1 :]


def _header_lines(headers: Mapping[str, str]) -> list[bytes]:
    """As libcurl takes them. Those that it would add are switched off: `Host` and `Accept-Encoding` apart, what is
    recorded is what was sent. libcurl is not told to unpack answers, which `postbacks.egress.encodings` does."""
    given = {name.lower() for name in headers}
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    if "accept-encoding" not in given:
        lines.append(f"Accept-Encoding: {ACCEPTED}")
    lines += [f"{name}:" for name in _ADDED_BY_LIBCURL if name.lower() not in given]
    return [line.encode() for line in lines]
