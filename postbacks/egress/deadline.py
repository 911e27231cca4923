"""The time that one request by `requests` may take in all: the library itself limits only each wait for a byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar


class Deadline:
    """Cuts the connections that were opened under it when its time is over, whatever they wait for."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._opened: list[socket.socket] = []

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return max(0.0, self._until - time.monotonic())

    def watch(self, opened: socket.socket) -> None:
        """By a second descriptor: TLS takes the first one over."""
        with self._lock:
            self._opened.append(opened.dup())

    def cut(self) -> None:
        with self._lock:
            for each in self._opened:
                with suppress(OSError):  # It has ended meanwhile.
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            for each in self._opened:
                each.close()
            self._opened.clear()


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """That of the request which this thread makes."""
    return _current.get()


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Connections that this thread opens inside are cut when the time is over; a read from them then fails."""
    deadline = Deadline(seconds)
    timer = threading.Timer(seconds, deadline.cut)
    timer.daemon = True
    token = _current.set(deadline)
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        _current.reset(token)
        deadline.close()
