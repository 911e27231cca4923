"""How the sender's thread waits: for libcurl's sockets, and for other threads that wake it.

On Linux it uses epoll and an eventfd directly, because a worker waits thousands of times a second. Elsewhere it uses
what Python's `selectors` choose, such as kqueue on macOS, and a pipe.
"""

from __future__ import annotations

import os
import select
import selectors
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Protocol

import pycurl

_PIPE_READ_BYTES = 4096


class Waiter(Protocol):
    """`wanted` is given as libcurl does: `POLL_IN`, `POLL_OUT`, or both bits."""

    def watch(self, fd: int, wanted: int) -> None:
        """Waits for this from now on, instead of what was waited for before."""

    def forget(self, fd: int) -> None:
        """Stops waiting for it; does nothing if it was not waited for."""

    def ready(self, timeout_seconds: float) -> Iterable[tuple[int, int]]:
        """Waits until something happens; returns the descriptors, each with libcurl's `CSELECT` bits."""

    def wake(self) -> None:
        """Ends the current wait, or the next one at once. Safe on any thread; the other methods are for one thread."""


def make_waiter() -> Waiter:
    return EpollWaiter() if hasattr(select, "epoll") and hasattr(os, "eventfd") else SelectorWaiter()


class EpollWaiter:
    def __init__(self) -> None:
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._watched: set[int] = set()

    def watch(self, fd: int, wanted: int) -> None:
        mask = (select.EPOLLIN if wanted & pycurl.POLL_IN else 0) | (select.EPOLLOUT if wanted & pycurl.POLL_OUT else 0)
        if fd in self._watched:
            self._epoll.modify(fd, mask)
        else:
            self._watched.add(fd)
            self._epoll.register(fd, mask)

    def forget(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.discard(fd)
            self._epoll.unregister(fd)

    def ready(self, timeout_seconds: float) -> Iterator[tuple[int, int]]:
        for fd, events in self._epoll.poll(timeout_seconds):
            if fd == self._wake_fd:
                os.eventfd_read(fd)
            else:
                yield fd, _curl_mask(events)

    def wake(self) -> None:
        os.eventfd_write(self._wake_fd, 1)


def _curl_mask(events: int) -> int:
    mask = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        mask |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        mask |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        mask |= pycurl.CSELECT_ERR
    return mask


class SelectorWaiter:
    """Works with any selector, which reports errors as readiness; libcurl finds them when it reads or writes."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector or selectors.DefaultSelector()
        self._awake, self._wake_fd = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake_fd, False)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._watched: set[int] = set()

    def watch(self, fd: int, wanted: int) -> None:
        events = (selectors.EVENT_READ if wanted & pycurl.POLL_IN else 0) | (
            selectors.EVENT_WRITE if wanted & pycurl.POLL_OUT else 0
        )
        if not events:
            self.forget(fd)
        elif fd in self._watched:
            self._selector.modify(fd, events)
        else:
            self._watched.add(fd)
            self._selector.register(fd, events)

    def forget(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.discard(fd)
            self._selector.unregister(fd)

    def ready(self, timeout_seconds: float) -> Iterator[tuple[int, int]]:
        for key, events in self._selector.select(timeout_seconds):
            if key.fd == self._awake:
                os.read(self._awake, _PIPE_READ_BYTES)
            else:
                readable = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
                yield key.fd, readable | (pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0)

    def wake(self) -> None:
        with suppress(BlockingIOError):  # A full pipe wakes it too.
            os.write(self._wake_fd, b"\0")
