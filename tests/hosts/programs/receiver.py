"""A partner's server. `ADDRESS PORT DELAY_SECONDS FILE`: FILE gets the time, the caller and the URL of each request."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import IO, cast

from devtools.receiver.parser import RequestParser

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class _Connection(asyncio.Protocol):
    """Answers each request so many seconds after it has arrived."""

    def __init__(self, notes: IO[str], delay: float) -> None:
        self._notes = notes
        self._delay = delay
        self._parser = RequestParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._caller = transport.get_extra_info("peername")[0]

    def data_received(self, data: bytes) -> None:
        for request in self._parser.feed(data):
            self._notes.write(f"{time.time()} {self._caller} {request.url}\n")
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, _ANSWER)


async def main(address: str, port: str, delay: str, file: str) -> None:
    with Path(file).open("a", buffering=1) as notes:
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: _Connection(notes, float(delay)), address, int(port), backlog=4096)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
