"""Reads the body of a request: not more than its address takes, not slower than a poor connection would send it, and
not more than this process has room for."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any, Self

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# To begin with, and between two pieces.
PATIENCE_SECONDS = 10.0
# What has come buys time at this rate, slower than any connection between servers.
LEAST_BYTES_PER_SECOND = 32 * 1024
# A body of this size needs no room: nearly all reports are smaller, so they pass whatever else fills it.
FREE_BYTES = 64 * 1024
# A body that is larger waits in a file.
IN_MEMORY_BYTES = 1024 * 1024
# For all bodies of a process that are being read or answered: four batches of the largest size.
ROOM_BYTES = 256 * 1024 * 1024


class RefusedBodyError(Exception):
    """The body is not read, or not to its end. Tells the status of the answer, and its text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClientGoneError(Exception):
    """The client closed the connection before the end of its request."""


class Room:
    """What the bodies of a process may take together."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._free = size

    def take(self, size: int) -> None:
        """Raises RefusedBodyError if there is not as much."""
        if size > self._free:
            raise RefusedBodyError(503, "Too many large requests arrive at this moment. Send this one again later.")
        self._free -= size

    def give_back(self, size: int) -> None:
        self._free += size


class Body:
    """A body that is being read into `file`. Use it as a context: its end gives back the room, and closes the file."""

    def __init__(self, room: Room) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 -- closed by __exit__
        self.size = 0
        self._room = room
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.give_back(self._taken)
        self._taken = 0
        self.file.close()

    def add(self, piece: bytes) -> None:
        """Raises RefusedBodyError if there is no room for it."""
        self.size += len(piece)
        if self.size > FREE_BYTES:
            self._room.take(self.size - self._taken)
            self._taken = self.size
        self.file.write(piece)

    async def read(self, receive: Receive, declared: str, most: int) -> None:
        """Read it to its end.

        `declared` is the Content-Length, empty if there is none; of one that is too large, nothing is read, and a
        client that waits for permission to send it (Expect: 100-continue) gets none.

        Raises:
            RefusedBodyError: it is larger than `most`, too slow, or there is no room for it.
            ClientGoneError: it broke off.
        """
        if declared.isdecimal() and int(declared) > most:
            raise _too_large(most)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as limit:
                began = asyncio.get_running_loop().time()
                while await self._read_piece(receive, most):
                    now = asyncio.get_running_loop().time()
                    bought = began + PATIENCE_SECONDS + self.size / LEAST_BYTES_PER_SECOND
                    limit.reschedule(min(now + PATIENCE_SECONDS, bought))
        except TimeoutError:
            raise RefusedBodyError(408, "The body did not arrive in time. Send the request again.") from None
        self.file.seek(0)

    async def _read_piece(self, receive: Receive, most: int) -> bool:
        """Returns whether more follows."""
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        piece = message.get("body", b"")
        if self.size + len(piece) > most:
            raise _too_large(most)
        if piece:
            self.add(piece)
        return bool(message.get("more_body", False))


def _too_large(most: int) -> RefusedBodyError:
    return RefusedBodyError(413, f"The body is larger than {most:,} bytes.")
