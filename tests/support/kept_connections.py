"""A server that answers the first request of each connection and ends the connection, or the request, at the second.

Over HTTP/1.1 or HTTP/2, in clear or by TLS.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Barrier, Lock, Thread

_READ = 65_536
_GATHER_SECONDS = 10
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

# HTTP/2: frame types and flags (RFC 9113, section 6), and what our frames hold.
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_PREFACE_BYTES = 24
_STATUS_200 = b"\x88"
_NO_ERROR, _REFUSED_STREAM, _HTTP_1_1_REQUIRED = 0, 7, 13


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. `line` is its first line; of HTTP/2, whose headers are packed, it is empty."""

    t: float
    connection: int
    number: int  # On its connection, from 1.
    line: str


class Peer:
    """The other end of a connection, and the request that was read last (0 in HTTP/1.1)."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.stream = 0

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream)
        self.connection.sendall(head + payload)

    def answer(self) -> None:
        if self.stream:
            self.frame(_HEADERS, _END_HEADERS | _END_STREAM, self.stream, _STATUS_200)
        else:
            self.connection.sendall(_ANSWER)


End = Callable[[Peer], bool]
"""Does away with the request; whether the connection goes on."""


def close(_peer: Peer) -> bool:
    return False


def answer_and_close(peer: Peer) -> bool:
    """Keeps no connection, and says so."""
    peer.connection.sendall(_ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    return False


def reset(peer: Peer) -> bool:
    peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def go_away(peer: Peer) -> bool:
    """The last stream that was worked on is the one before, if any."""
    peer.frame(_GOAWAY, 0, 0, struct.pack(">II", max(0, peer.stream - 2), _NO_ERROR))
    return False


def _answer_only_http_1(code: int) -> End:
    def end_stream(peer: Peer) -> bool:
        if peer.stream:
            peer.frame(_RST_STREAM, 0, peer.stream, struct.pack(">I", code))
        else:
            peer.answer()
        return True

    return end_stream


refuse = _answer_only_http_1(_REFUSED_STREAM)
require_http_1_1 = _answer_only_http_1(_HTTP_1_1_REQUIRED)


def say(payload: bytes) -> End:
    """Another answer than 200."""

    def answer(peer: Peer) -> bool:
        peer.connection.sendall(payload)
        return True

    return answer


class KeptConnections:
    """`asked` holds all requests. With `context`, which names `h2` if it wants HTTP/2, it speaks TLS.

    `from_the` is the number of the request on its connection from which on `end` has its way. The first `together`
    requests are answered when all of them have come, so that each has a connection of its own.
    """

    def __init__(self, end: End, context: ssl.SSLContext | None = None, from_the: int = 2, together: int = 1) -> None:
        self.asked: list[Asked] = []
        self.handshake_seconds: Callable[[], float] = lambda: 0.0
        self._end = end
        self._from_the = from_the
        self._context = context
        self._together = together
        self._gathered = Barrier(together)
        self._lock = Lock()
        self._connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._socket.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._connections += 1
                Thread(target=self._serve, args=(connection, self._connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError):
            time.sleep(self.handshake_seconds())
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                peer = Peer(connection)
                is_http_2 = isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2"
                requests = _http_2(peer) if is_http_2 else _http_1(peer)
                for place, line in enumerate(requests, 1):
                    with self._lock:
                        self.asked.append(Asked(time.monotonic(), number, place, line))
                        waits, self._together = self._together > 0, self._together - 1
                    if waits:
                        self._gathered.wait(_GATHER_SECONDS)
                    if place < self._from_the:
                        peer.answer()
                    elif not self._end(peer):
                        return


def _http_1(peer: Peer) -> Iterator[str]:
    """The first lines of the requests; bodies are taken to come with a length."""
    read = b""
    while True:
        while b"\r\n\r\n" not in read:
            if not (more := peer.connection.recv(_READ)):
                return
            read += more
        head, _, read = read.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        lengths = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")]
        expects = any(line.lower().startswith("expect:") for line in lines)
        while not expects and len(read) < sum(lengths):
            read += peer.connection.recv(_READ)
        read = read[sum(lengths) :]
        yield lines[0]


def _http_2(peer: Peer) -> Iterator[str]:
    read = peer.connection.makefile("rb")
    read.read(_PREFACE_BYTES)
    peer.frame(_SETTINGS, 0, 0, b"")
    while len(head := read.read(9)) == 9:
        kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:])[0]
        read.read(int.from_bytes(head[:3], "big"))
        if kind == _SETTINGS and not flags & _ACK:
            peer.frame(_SETTINGS, _ACK, 0, b"")
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            peer.stream = stream
            yield ""


@contextmanager
def kept_connections(
    end: End, context: ssl.SSLContext | None = None, from_the: int = 2, together: int = 1
) -> Iterator[KeptConnections]:
    server = KeptConnections(end, context, from_the, together)
    try:
        yield server
    finally:
        server.stop()
