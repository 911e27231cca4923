"""Holds a request back although its connection stands: libcurl writes as soon as it can, and cannot be told to wait.

For the time of the hold, libcurl's descriptor is another one that takes no byte, and libcurl waits as for a slow peer.
What was connected, with its TLS session, is kept aside and put back in the end. Nothing is closed or sent meanwhile.
Only for a connection that the held request has for itself.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress


class Gate:
    """The hold of one descriptor, from its making until `open` or `abandon`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._kept = os.dup(fd)
        self._full, self._other_end = _full_pair()
        os.dup2(self._full.fileno(), fd, inheritable=False)
        self._mark = os.fstat(fd).st_ino

    def open(self) -> bool:
        """Puts the connection back, so that libcurl may write. False if libcurl has closed the descriptor meanwhile:
        its number may be another connection's by now."""
        stands = self._stands()
        if stands:
            os.dup2(self._kept, self.fd, inheritable=False)
        self.abandon()
        return stands

    def abandon(self) -> None:
        """Closes what was kept aside; for a transfer that is over."""
        os.close(self._kept)
        self._full.close()
        self._other_end.close()

    def _stands(self) -> bool:
        with suppress(OSError):
            return os.fstat(self.fd).st_ino == self._mark
        return False


def _full_pair() -> tuple[socket.socket, socket.socket]:
    """A socket that takes no byte, and its other end, which must stay open."""
    full, other_end = socket.socketpair()
    full.setblocking(False)
    full.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # The system's least; little to fill.
    with suppress(BlockingIOError):
        while True:
            full.send(bytes(4096))
    return full, other_end


def port_of(fd: int) -> int | None:
    """The local port of a connected descriptor."""
    with suppress(OSError), socket.socket(fileno=os.dup(fd)) as connected:
        return int(connected.getsockname()[1])
    return None
