"""Two front doors that the same shops report to: ours, with everything behind it, and one that only keeps reports."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import psutil
from django.db import connection

from actions.api.tokens import create_token
from benchmarks import drains, reports, rows
from benchmarks.calls import Address, Calls
from benchmarks.processes import Running, free_port, listens, running, running_web, workers
from benchmarks.programs import plain_door
from benchmarks.receivers import Receiver, fastest_receiver, own_receiver
from benchmarks.reports import Shop
from benchmarks.results import CannotRunError
from benchmarks.servers import postgres, redis

PLAIN_THREADS = 8  # Of each process: 4 and 16 are slower.
_RECORDED_SECONDS = 60
_POLL_SECONDS = 0.01
_LOGGED_SECONDS = 5

# Beside the order number, the ten values of an ordinary postback.
_QUERY = rows.QUERY.replace("{DeliveryId}", "{Oid}")
_DELIVERED = """
SELECT count(*) FROM postbacks_delivery d JOIN actions_action a ON a.id = d.action_id
WHERE a.order_id = ANY (%s) AND d.state = 'delivered'
"""
_HISTORY = """
SELECT a.order_id, count(DISTINCT a.id), count(DISTINCT e.id), count(DISTINCT d.id), count(t.id)
FROM actions_action a LEFT JOIN actions_actionevent e ON e.action_id = a.id
LEFT JOIN postbacks_delivery d ON d.event_id = e.id LEFT JOIN postbacks_attempt t ON t.delivery_id = d.id
WHERE a.order_id = ANY (%s) GROUP BY a.order_id
"""
_KEPT = "SELECT order_id, count(*) FROM plain_door WHERE order_id = ANY (%s) GROUP BY order_id"


class Door(Address, Protocol):
    """Where shops report, and what stands behind it."""

    parts: dict[str, psutil.Process]

    def settle(self, calls: Calls) -> float:
        """Waits until all is done that the reports ask for; that moment. Raises CannotRunError if something is off."""


@dataclass(slots=True)
class PlainDoor:
    """gunicorn, two processes, one INSERT and one commit a report."""

    url: str
    parts: dict[str, psutil.Process]
    account: str = "nobody:nothing"

    def settle(self, calls: Calls) -> float:
        """All is done with the last answer."""
        with connection.cursor() as cursor:
            cursor.execute(_KEPT, [[call.order for call in calls.made]])
            kept = dict(cursor.fetchall())
        _must_be("kept", calls, kept)
        return max(call.answered for call in calls.made)


@dataclass(slots=True)
class OurDoor:
    """Web, worker and beat. `shop` reports for destinations on nginx, `timed_shop` for our own, more exact receiver."""

    url: str
    account: str
    parts: dict[str, psutil.Process]
    web: Running
    worker: Running
    shop: Shop
    timed_shop: Shop
    receivers: Sequence[Receiver]
    arrived: dict[str, list[float]] = field(default_factory=dict)

    def settle(self, calls: Calls) -> float:
        """Until each order is delivered and its attempt recorded; then checks that each is there once."""
        orders = [call.order for call in calls.made]
        drains.wait_for(
            lambda: delivered(orders) >= len(calls.taken), _RECORDED_SECONDS, "each is delivered", _POLL_SECONDS
        )
        done = time.time()
        self.hear_all(orders)
        with connection.cursor() as cursor:
            cursor.execute(_HISTORY, [orders])
            found = {order: max(counts) if min(counts) else 0 for order, *counts in cursor.fetchall()}
        _must_be("recorded, and sent in one attempt,", calls, found)
        _must_be("received", calls, {order: len(self.arrived[order]) for order in orders})
        return done

    def hear_all(self, orders: Sequence[str]) -> None:
        """Waits until all these have arrived; the receiver's log is a little late. Raises StuckError."""
        drains.wait_for(lambda: self._hear() >= set(orders), _LOGGED_SECONDS, "the receiver has logged each")

    def _hear(self) -> set[str]:
        """Collects what has arrived; all orders that ever did."""
        for receiver in self.receivers:
            for entry in receiver.new_entries():
                self.arrived.setdefault(entry.value, []).append(entry.at)
        return set(self.arrived)


def delivered(orders: list[str]) -> int:
    """How many deliveries of these orders are delivered."""
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERED, [orders])
        (found,) = cursor.fetchone() or (0,)
    return int(found)


def _must_be(what: str, calls: Calls, found: dict[str, int]) -> None:
    """Raises CannotRunError unless each report was answered with 200, and is found once."""
    statuses = Counter(call.status for call in calls.made if call.status != 200)
    if statuses:
        raise CannotRunError(f"Not all reports were taken; statuses: {dict(statuses)} of {len(calls.made)}.")
    times = Counter(found.get(call.order, 0) for call in calls.made)
    if set(times) != {1}:
        raise CannotRunError(f"Not every report was {what} once; so many, so often: {dict(times)}.")


@contextmanager
def plain() -> Iterator[PlainDoor]:
    """The yardstick; only PostgreSQL runs beside it."""
    with connection.cursor() as cursor:
        cursor.execute(plain_door.CREATE)
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", str(PLAIN_THREADS), "--keep-alive", "75"]
    command = [sys.executable, "-m", "gunicorn", *options, "benchmarks.programs.plain_door:application"]
    with running("plain-door", command, lambda: listens(port)) as web:
        yield PlainDoor(f"http://127.0.0.1:{port}/", {"door": web.process, "PostgreSQL": postgres()})


@contextmanager
def ours(*, traced: bool = False, kill: bool = False, postbacks: int = 1) -> Iterator[OurDoor]:
    """Everything as the Procfile starts it, on empty tables; `traced`, in a block of `traces.traced`, with notes.

    With more than one postback for each report, do not `settle`: it expects each order to arrive once.
    """
    programs = "benchmarks.programs."
    worker_app, web_module = (programs + "traced", programs + "traced_web") if traced else ("config", "front")
    rows.clear()
    with ExitStack() as stack:
        fast = stack.enter_context(fastest_receiver(logged=True))
        exact = stack.enter_context(own_receiver(logged=True))
        shop, timed_shop = _shop("fast", fast, postbacks), _shop("exact", exact, postbacks)
        token, text = create_token("benchmark")
        worker = stack.enter_context(workers(worker_app, kill=kill))
        web, port = stack.enter_context(running_web(web_module, kill=kill))
        yield OurDoor(
            url=f"http://127.0.0.1:{port}/Advertisers/{token.account_sid}/Conversions",
            account=f"{token.account_sid}:{text}",
            parts={"door": web.process, "PostgreSQL": postgres(), "worker": worker.process, "Redis": redis()},
            web=web,
            worker=worker,
            shop=shop,
            timed_shop=timed_shop,
            receivers=(fast, exact),
        )


def _shop(name: str, receiver: Receiver, postbacks: int) -> Shop:
    urls = [receiver.url(number) + _QUERY for number in range(reports.PARTNERS)]
    return reports.open_shop(name, urls, networks=postbacks - 1)
