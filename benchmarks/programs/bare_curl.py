"""The most that one process can send: libcurl's multi interface with nothing around it. `URL SECONDS IN_FLIGHT`

It uses the same interface, waiting (epoll) and keep-alive as our sender, but the requests are prepared in advance, the
answers are discarded, and nothing is claimed, judged or recorded. Prints requests per second.
"""

from __future__ import annotations

import sys
import time

import pycurl

from benchmarks.multi import Multi


class BareCurl:
    """Keeps `in_flight` GET requests to `url` in flight."""

    def __init__(self, url: str, in_flight: int) -> None:
        self._url = url
        self._multi = Multi(in_flight)
        self._handles = [self._handle() for _ in range(in_flight)]
        self._sent = 0

    def run(self, seconds: float) -> float:
        """Runs for `seconds`; returns the requests answered per second."""
        began = time.monotonic()
        for handle in self._handles:
            self._start(handle)
        answered = 0
        while time.monotonic() < began + seconds:
            self._multi.wait()
            for handle, error in self._multi.ended():
                if error:
                    raise SystemExit(f"A request failed: {error}")
                self._start(handle)
                answered += 1
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
        self._multi.start(handle)


if __name__ == "__main__":
    print(BareCurl(sys.argv[1], int(sys.argv[3])).run(float(sys.argv[2])))
