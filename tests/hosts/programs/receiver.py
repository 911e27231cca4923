"""A partner's server. `ADDRESS PORT DELAY_SECONDS FILE`: FILE gets the time, the caller and the URL of each request.

The time is that at which the kernel got the request: on a busy machine this program may stand still for a while, and
would take what came meanwhile for something that came at once.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from devtools.receiver.parser import RequestParser

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
_SO_TIMESTAMPNS = 35  # Linux; Python has no name for it.
_MOMENT = struct.Struct("@qq")  # Seconds and nanoseconds.


class _Connection:
    """Answers each request so many seconds after it has been read."""

    def __init__(self, client: socket.socket, notes: IO[str], delay: float) -> None:
        client.setblocking(False)
        self._client = client
        self._caller = client.getpeername()[0]
        self._notes = notes
        self._delay = delay
        self._parser = RequestParser()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(client, self._read)

    def _read(self) -> None:
        try:
            data, about, *_ = self._client.recvmsg(65536, socket.CMSG_SPACE(_MOMENT.size))
        except ConnectionError:
            data, about = b"", []
        if not data:
            self._loop.remove_reader(self._client)
            self._client.close()
            return
        at = _came_at(about)
        for request in self._parser.feed(data):
            self._notes.write(f"{at} {self._caller} {request.url}\n")
            self._loop.call_later(self._delay, self._answer)

    def _answer(self) -> None:
        with suppress(OSError):  # The caller may be gone.
            self._client.send(_ANSWER)  # Some bytes, of which none wait: it always takes them all.


def _came_at(about: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in about:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _MOMENT.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()


async def main(address: str, port: str, delay: str, file: str) -> None:
    loop = asyncio.get_running_loop()
    with Path(file).open("a", buffering=1) as notes, socket.create_server((address, int(port)), backlog=4096) as server:
        server.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)  # Its connections have it too.
        server.setblocking(False)
        while True:
            client, _ = await loop.sock_accept(server)
            _Connection(client, notes, float(delay))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
