"""A partner's server. `ADDRESS PORT DELAY_SECONDS FILE`: FILE gets the time and the URL of each request."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from devtools.receiver.parser import Request
from devtools.receiver.server import ReceiverServer, Response


async def main(address: str, port: str, delay: str, file: str) -> None:
    answer = Response(delay_seconds=float(delay))
    with Path(file).open("a", buffering=1) as notes:

        def note(request: Request, _at: float) -> Response:
            notes.write(f"{time.time()} {request.url}\n")
            return answer

        await ReceiverServer(note).start(address, int(port))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
