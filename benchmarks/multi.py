"""libcurl's multi interface, waited for with epoll: many requests at once from one process, for little of its time."""

from __future__ import annotations

import select
import time
from typing import Any

import pycurl

_LONGEST_WAIT_SECONDS = 0.1


class Multi:
    """Handles in flight. Connections are kept, at most `connections` of them."""

    def __init__(self, connections: int) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._timer_at: float | None = 0.0
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)

    def start(self, handle: pycurl.Curl) -> None:
        self._multi.add_handle(handle)

    def wait(self, seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        """Waits for whatever happens, or so long, and does what is due."""
        if self._timer_at is not None:
            seconds = min(seconds, self._timer_at - time.monotonic())
        for fd, events in self._epoll.poll(max(0.0, seconds)):
            mask = (pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0) | (
                pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0
            )
            self._multi.socket_action(fd, mask)
        if self._timer_at is not None and self._timer_at <= time.monotonic():
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def ended(self) -> list[tuple[pycurl.Curl, str]]:
        """The handles that have ended since the last call, free to start again, each with its error or nothing."""
        found: list[tuple[pycurl.Curl, str]] = []
        more = 1
        while more:
            more, succeeded, failed = self._multi.info_read()
            found += [(handle, "") for handle in succeeded]
            found += [(handle, message) for handle, _, message in failed]
        for handle, _ in found:
            self._multi.remove_handle(handle)
        return found

    def _on_socket(self, event: int, fd: int, _multi: pycurl.CurlMulti, _data: Any) -> None:
        if event == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
            return
        mask = (select.EPOLLIN if event & pycurl.POLL_IN else 0) | (select.EPOLLOUT if event & pycurl.POLL_OUT else 0)
        (self._epoll.modify if fd in self._watched else self._epoll.register)(fd, mask)
        self._watched.add(fd)

    def _on_timer(self, timeout_ms: int) -> None:
        self._timer_at = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
