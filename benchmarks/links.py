"""A link between hosts: a TCP port that leads to a server's socket, and may be slow, stall, or be cut."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 65_536
_HOST = "127.0.0.1"


class Link:
    """Runs on a thread of its own. `delay_seconds` may be set at any time; it counts for each direction."""

    def __init__(self, server_socket: str) -> None:
        self.delay_seconds = 0.0
        self.port = 0
        self._server_socket = server_socket
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()  # Nothing passes while it is not set.
        self._open.set()
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()

    def run(self, ready: threading.Event) -> None:
        """The thread's work, until `stop`."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, _HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()

    def stop(self) -> None:
        """Ends the thread; connections end with the process."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def stall(self, seconds: float) -> None:
        """Connections stay and new ones are accepted, but nothing passes, for so long."""
        self._loop.call_soon_threadsafe(self._open.clear)
        time.sleep(seconds)
        self._loop.call_soon_threadsafe(self._open.set)

    def cut(self, seconds: float) -> None:
        """All connections end at once, and for so long each new one does."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._abort)
        time.sleep(seconds)
        self._is_cut = False

    def _abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_unix_connection(self._server_socket)
        self._ends |= {writer, there_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
        self._ends -= {writer, there_writer}

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def take() -> None:
            data = b"to begin with"
            while data:
                data = await source.read(_CHUNK)
                chunks.put_nowait((self._loop.time() + self.delay_seconds, data))

        async def hand_on() -> None:
            while True:
                at, data = await chunks.get()
                await asyncio.sleep(max(0.0, at - self._loop.time()))
                await self._open.wait()
                if not data:
                    break
                target.write(data)
                await target.drain()
            target.close()

        try:
            await asyncio.gather(take(), hand_on())
        finally:
            target.transport.abort()


@contextmanager
def link(server_socket: str) -> Iterator[Link]:
    """A link to the server that listens on this Unix socket, for as long as the block lasts."""
    made, ready = Link(server_socket), threading.Event()
    thread = threading.Thread(target=made.run, args=(ready,), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        made.stop()
        thread.join(10)
