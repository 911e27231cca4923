"""Shops that report orders, each alone in a form. `URL ACCOUNT FORMS LOG callers|rate NUMBER SECONDS`

FORMS has a form on each line; they are sent in turn, with the number of the report, from 0, in place of MARK. With
`callers`, NUMBER shops each send the next one as soon as they have the answer to the last; with `rate`, NUMBER orders
a second come in whatever becomes of those before. Connections are kept, as a shop's HTTP client and a proxy keep them.
SECONDS may be `inf`: until SIGTERM.

LOG gets a JSON line for each: its number, when it was due, begun and answered (wall clock), and the status of the
answer, 0 if there was none.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
import pycurl

from benchmarks.multi import Multi

MARK = b"~~"  # Stays as it is in a form.
_MOST_CONNECTIONS = 1_024
_PAUSE_SECONDS = 0.02  # Before the next report on a connection that broke.
_ANSWER_SECONDS = 30  # A report without an answer by then has failed.


@dataclass(slots=True)
class _Call:
    number: int
    due: float
    begun: float


class Shops:
    """The reports of one run."""

    def __init__(self, url: str, account: str, forms: list[bytes]) -> None:
        self._url = url
        self._account = account
        self._forms = forms
        self._sent = 0
        self._free: list[pycurl.Curl] = []
        self._calls: dict[pycurl.Curl, _Call] = {}
        self._multi = Multi(_MOST_CONNECTIONS)
        self.lines: list[bytes] = []
        self.until = float("inf")

    def call(self, callers: int, seconds: float) -> None:
        """Keeps so many reports in flight for so long; what is in flight then is waited for."""
        self.until = time.time() + seconds
        for _ in range(callers):
            self._send(time.time())
        while self._calls:
            self._multi.wait()
            broken = False
            for ok in self._note_ended():
                broken |= not ok
                if time.time() < self.until:
                    self._send(time.time())
            if broken:
                time.sleep(_PAUSE_SECONDS)

    def keep_rate(self, rate: int, seconds: float) -> None:
        """Sends so many a second for so long; what is in flight then is waited for."""
        began = time.time()
        self.until = began + seconds
        while self._calls or self._due(began, rate) < self.until:
            while (due := self._due(began, rate)) <= time.time() and due < self.until:
                self._send(due)
            wait = self._due(began, rate) - time.time() if due < self.until else 1.0
            self._multi.wait(min(wait, 0.1))
            for _ in self._note_ended():
                pass

    def _due(self, began: float, rate: int) -> float:
        return began + self._sent / rate

    def _send(self, due: float) -> None:
        handle = self._free.pop() if self._free else self._handle()
        form = self._forms[self._sent % len(self._forms)]
        handle.setopt(pycurl.POSTFIELDS, form.replace(MARK, b"%d" % self._sent))
        self._calls[handle] = _Call(self._sent, due, time.time())
        self._sent += 1
        self._multi.start(handle)

    def _note_ended(self) -> list[bool]:
        """Whether each report that has ended got an answer."""
        answered = []
        for handle, error in self._multi.ended():
            status = 0 if error else handle.getinfo(pycurl.RESPONSE_CODE)
            call = self._calls.pop(handle)
            self.lines.append(orjson.dumps([call.number, call.due, call.begun, time.time(), status]))
            self._free.append(handle)
            answered.append(not error)
        return answered

    def _handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, self._url)
        handle.setopt(pycurl.USERPWD, self._account)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.TIMEOUT, _ANSWER_SECONDS)
        handle.setopt(pycurl.WRITEFUNCTION, len)
        handle.setopt(pycurl.HTTPHEADER, ["Accept: application/json", "Expect:"])
        return handle


def main(url: str, account: str, forms: str, log: str, *load: str) -> None:
    """Reports, writes the log, and prints the processor time it took."""
    kind, number, seconds = load
    shops = Shops(url, account, Path(forms).read_bytes().splitlines())
    signal.signal(signal.SIGTERM, lambda *_: setattr(shops, "until", 0.0))
    gc.disable()
    print("calling", flush=True)
    (shops.call if kind == "callers" else shops.keep_rate)(int(number), float(seconds))
    Path(log).write_bytes(b"\n".join(shops.lines) + b"\n")
    print(time.process_time())


if __name__ == "__main__":
    main(*sys.argv[1:])
