"""Batches over the processes: one that has a batch leaves the next to one that has none.

The kernel gives a connection to any process, and a caller that keeps its connection stays there. Two batches in one
process would share one lock of Python's, while the other process idles. So a process that has a batch puts the
connection of the next into a queue that all of them share, with what has been read of it. A process without a batch
takes it from there. Nobody needs to know who is there: a process that ends takes nothing with it, and what is not taken
soon comes back.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from typing import Final

from actions.api.addresses import ACCOUNTS, BATCH, without_suffix

Ends = tuple[socket.socket, socket.socket]
"""The queue: where connections are put, and where they are taken. Messages keep their form between releases, because
processes of two of them share it while they are replaced: the client's descriptor, and that of a file with what has
been read."""

# Below, a batch is recorded before anybody else had taken it.
LEAST_BYTES: Final = 64 * 1024
# A free process takes a connection within a millisecond or two. If it is still there then, nobody was free.
TAKEN_WITHIN_SECONDS: Final = 0.05
_MARK: Final = b"b"  # A message without a byte is none.


def open_queue() -> Ends:
    """The queue, for the process that starts the others."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def is_batch(method: bytes, url: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request is a batch that is worth passing on."""
    if method != b"POST" or not url.startswith(ACCOUNTS.encode()):
        return False
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) < LEAST_BYTES:
        return False
    return without_suffix(url.partition(b"?")[0].decode("latin-1"))[0].endswith(BATCH)


class Spread:
    """What one process knows of its batches; to be used on its event loop. Without a queue nothing is passed on."""

    def __init__(self, ends: Ends | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = ends
        self._batches: set[object] = set()
        self._adopt: Callable[[socket.socket, bytes], None] | None = None
        for each in ends or ():
            each.setblocking(False)

    @property
    def is_busy(self) -> bool:
        """Whether this process has a batch, and others may be free."""
        return self._ends is not None and bool(self._batches)

    def start(self, adopt: Callable[[socket.socket, bytes], None]) -> None:
        """From now on, `adopt` is given connections that others have passed on, with what has been read of them.

        It must `begin` a batch before it returns.
        """
        self._adopt = adopt
        self._listen()

    def stop(self) -> None:
        """Pass on no more, and leave nothing behind: the others may end too."""
        if self._ends is not None and self._adopt is not None:
            self._loop.remove_reader(self._ends[1])
            while self._take():
                pass
        self._adopt = None

    def begin(self, batch: object) -> None:
        """This process has a batch, of which nothing more may have come than its head."""
        self._batches.add(batch)
        self._listen()

    def end(self, batch: object) -> None:
        """It is answered, or its client has left. May be called for what was never begun."""
        if batch in self._batches:
            self._batches.remove(batch)
            self._listen()

    def pass_on(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Let another process have a batch that begins with `data`, unless this one is free too.

        Returns whether it has been passed on: then nothing may be done with the connection any more.
        """
        if not self._batches or self._ends is None or self._adopt is None or transport.get_write_buffer_size():
            return False
        client = transport.get_extra_info("socket")
        try:
            with tempfile.TemporaryFile(buffering=0) as read:
                read.write(data)
                read.seek(0)
                socket.send_fds(self._ends[0], [_MARK], [client.fileno(), read.fileno()])
        except OSError:  # Mostly: as many wait as the kernel keeps.
            return False
        transport.abort()  # The connection lives on: its other descriptor is in the queue.
        self._loop.call_later(TAKEN_WITHIN_SECONDS, self._take_back)
        return True

    def _listen(self) -> None:
        if self._ends is None or self._adopt is None:
            return
        if self._batches:
            self._loop.remove_reader(self._ends[1])
        else:
            self._loop.add_reader(self._ends[1], self._take)

    def _take_back(self) -> None:
        if self._adopt is not None:
            self._take()

    def _take(self) -> bool:
        """Take the next connection, if there is one."""
        if self._ends is None or self._adopt is None:
            return False
        try:
            _, descriptors, _, _ = socket.recv_fds(self._ends[1], len(_MARK), 2)
        except OSError:  # Another one was faster.
            return False
        if len(descriptors) != 2:  # This process may open no more.
            for each in descriptors:
                os.close(each)
            return True
        client, file = descriptors
        with open(file, "rb") as read:  # noqa: PTH123 -- a descriptor has no path
            data = read.read()
        self._adopt(socket.socket(fileno=client), data)
        return True
