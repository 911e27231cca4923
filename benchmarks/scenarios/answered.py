"""What of the reports that were answered is lost or doubled when something is killed while more come in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from django.db import connection

from benchmarks import callers, doors, servers
from benchmarks.calls import Load, send, sending
from benchmarks.doors import OurDoor
from benchmarks.results import Figure, at_most

CALLERS = 16
ARRIVE_SECONDS = 90
_BEFORE_SECONDS = 1.0
_AFTER_SECONDS = 2.0
_FORM = "application/x-www-form-urlencoded"

_RECORDED = """
SELECT a.order_id, count(DISTINCT a.id), count(DISTINCT e.id), count(DISTINCT d.id) FROM actions_action a
LEFT JOIN actions_actionevent e ON e.action_id = a.id LEFT JOIN postbacks_delivery d ON d.event_id = e.id
WHERE a.order_id = ANY (%s) GROUP BY a.order_id
"""


def figures(full: bool) -> Iterator[Figure]:
    """One after another is killed, once or, in a full run, three times."""
    with doors.ours(kill=True) as door:
        door.settle(send(door, door.shop, Load("callers", CALLERS, 1.0)))
        for name, kill in KILLS.items():
            yield from _killed(door, name, kill, 3 if full else 1)


def _killed(door: OurDoor, name: str, kill: Callable[[OurDoor], None], times: int) -> Iterator[Figure]:
    with sending(door, door.shop, Load("callers", CALLERS)) as calls:
        for _ in range(times):
            time.sleep(_BEFORE_SECONDS)
            kill(door)
            time.sleep(_AFTER_SECONDS)
    orders = [call.order for call in calls.made]
    unanswered = [call.body for call in calls.made if call.status != 200]
    lost = _lost(door, [call.order for call in calls.taken])

    def report_again() -> bool:
        callers.post(door.url, door.account, unanswered, _FORM, CALLERS)
        return True

    servers.until(report_again, "all are taken")  # As shops do: until it is.
    servers.until(lambda: doors.delivered(orders) >= len(orders), "each is delivered", ARRIVE_SECONDS)
    door.hear_all(orders)
    found = _found(orders)
    statuses = Counter(call.status for call in calls.made)
    details = {"reports": len(orders), "statuses": {str(status): count for status, count in statuses.items()}}
    what = f"{name}{f', {times} times' if times > 1 else ''}, of {len(orders):,} reports: "
    yield Figure(what + "answered and lost", lost, target=at_most(0), details=details)
    yield Figure("… not answered, and reported again", len(unanswered))
    doubled = sum(most > 1 for most in found.values())
    yield Figure("… recorded twice", doubled, target=at_most(0))
    never = sum(order not in door.arrived for order in orders)
    yield Figure("… recorded or arrived never", never + len(orders) - len(found), target=at_most(0))
    yield Figure("… arrived again", sum(len(door.arrived.get(order, [])) > 1 for order in orders))


def _lost(door: OurDoor, taken: list[str]) -> int:
    """How many of those that were answered are not there, once all that is to be recorded is."""
    deadline = time.monotonic() + ARRIVE_SECONDS
    while (missing := len(taken) - len(_found(taken))) and time.monotonic() < deadline:
        door.web.must_run()
        time.sleep(0.2)
    return missing


def _found(orders: list[str]) -> dict[str, int]:
    """How many actions, events or deliveries each order has, whichever are most."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, [orders])
        return {order: max(counts) for order, *counts in cursor.fetchall()}


def _kill_web(door: OurDoor) -> None:
    """The one that serves, not what Python keeps beside it."""
    max(door.web.children(), key=lambda child: child.memory_info().rss).kill()


def _kill_worker(door: OurDoor) -> None:
    door.worker.children()[0].kill()


KILLS: dict[str, Callable[[OurDoor], None]] = {
    "kill -9 of a web process": _kill_web,
    "kill -9 of a worker process": _kill_worker,
    "PostgreSQL crashed": lambda _door: servers.crash_postgres(),
    "Redis killed": lambda _door: servers.kill_redis(),
}
