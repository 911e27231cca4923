"""A shop. `NAME FILE SID TOKEN PER_SECOND SETUP WEB...`: reports orders, which begin with its name, and changes each;
FILE gets a line for each answer.

SETUP is the fields of each order, as JSON. A report without an answer is made again, to the next web, until it has one:
the order is then as often there as it was reported once. Ends at SIGTERM, when all that was begun has been answered.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import requests

AMOUNTS = ("10.00", "20.00")  # When it is reported, and after the change.
_PATIENCE_SECONDS = 90


class Shop:
    """Reports to each of `webs` in turn."""

    def __init__(self, notes: Path, sid: str, token: str, fields: dict[str, str], webs: list[str]) -> None:
        self._fields = fields
        self._webs = [f"{web}/Advertisers/{sid}" for web in webs]
        self._turn = count()
        self._auth = (sid, token)
        self._notes = notes.open("a", buffering=1)

    def order(self, name: str) -> None:
        self._report("POST", "Conversions", {**self._fields, "OrderId": name, "Amount": AMOUNTS[0]})
        tracker = {"ActionTrackerId": self._fields["ActionTrackerId"]}
        for amount in AMOUNTS[1:]:
            self._report("PUT", "Actions", {**tracker, "OrderId": name, "Amount": amount})

    def _report(self, method: str, what: str, fields: dict[str, str]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        said = ""
        while time.monotonic() < deadline:
            web = self._webs[next(self._turn) % len(self._webs)]
            try:
                answer = requests.request(
                    method,
                    f"{web}/{what}",
                    data=fields,
                    auth=self._auth,
                    headers={"Accept": "application/json"},
                    timeout=(2, 10),
                )
            except requests.RequestException as error:
                said = str(error)
                continue
            if answer.ok or answer.status_code < 500:
                self._notes.write(f"{answer.status_code} {method} {fields['OrderId']} {answer.text}\n")
                return
            said = answer.text
            time.sleep(0.2)
        self._notes.write(f"0 {method} {fields['OrderId']} {said}\n")


def main(*arguments: str) -> None:
    name, file, sid, token, per_second, setup, *webs = arguments
    enough = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    shop = Shop(Path(file), sid, token, json.loads(setup), webs)
    with ThreadPoolExecutor(32) as reports:
        for number in count():
            if enough.wait(1 / float(per_second)):
                return
            reports.submit(shop.order, f"{name}-{number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
