"""The most that one process can send: libcurl's multi interface with nothing around it. `URL SECONDS IN_FLIGHT`

It uses the same interface, waiting (epoll) and keep-alive as our sender, but the requests are prepared in advance, the
answers are discarded, and nothing is claimed, judged or recorded. Prints requests per second.
"""

from __future__ import annotations

import select
import sys
import time
from typing import Any

import pycurl


class BareCurl:
    """Keeps `in_flight` GET requests to `url` in flight."""

    def __init__(self, url: str, in_flight: int) -> None:
        self._url = url
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._timer_at: float | None = 0.0
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, in_flight)
        self._handles = [self._handle() for _ in range(in_flight)]
        self._sent = 0

    def run(self, seconds: float) -> float:
        """Runs for `seconds`; returns the requests answered per second."""
        began = time.monotonic()
        for handle in self._handles:
            self._start(handle)
        answered = 0
        while time.monotonic() < began + seconds:
            self._wait()
            answered += self._restart_finished()
        return answered / (time.monotonic() - began)

    def _handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.WRITEFUNCTION, len)
        handle.setopt(pycurl.HTTPHEADER, ["User-Agent: PartnerPostbacks", "Accept:"])
        return handle

    def _start(self, handle: pycurl.Curl) -> None:
        self._sent += 1
        handle.setopt(pycurl.URL, f"{self._url}{self._sent}")
        self._multi.add_handle(handle)

    def _wait(self) -> None:
        wait = 0.1 if self._timer_at is None else max(0.0, self._timer_at - time.monotonic())
        for fd, events in self._epoll.poll(wait):
            mask = (pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0) | (
                pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0
            )
            self._multi.socket_action(fd, mask)
        if self._timer_at is not None and self._timer_at <= time.monotonic():
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _restart_finished(self) -> int:
        answered = 0
        more = 1
        while more:
            more, succeeded, failed = self._multi.info_read()
            if failed:
                raise SystemExit(f"A request failed: {failed[0][2]}")
            for handle in succeeded:
                self._multi.remove_handle(handle)
                self._start(handle)
            answered += len(succeeded)
        return answered

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


if __name__ == "__main__":
    print(BareCurl(sys.argv[1], int(sys.argv[3])).run(float(sys.argv[2])))
