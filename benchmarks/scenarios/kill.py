"""What is lost or repeated when worker processes are killed under load."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil
from django.db import connection
from tqdm import trange

from benchmarks import drains, outages, rows
from benchmarks.receivers import Arrival
from benchmarks.results import Figure, at_most
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.models import Postback

EVERY_SECONDS = 2.0
# Topped up before each kill, so that there is always load: more than can be delivered before the next.
BACKLOG = 25_000

_HELD = "SELECT owner, array_agg(id) FROM postbacks_delivery WHERE state = 'sending' GROUP BY owner"
_LIVING = "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"


@dataclass(frozen=True, slots=True)
class Kill:
    """What the killed process held: deliveries that it had claimed and may have sent."""

    at: float
    held: set[int]


def figures(full: bool) -> Iterator[Figure]:
    """Kills a random child of the worker with `kill -9`; the pool replaces it."""
    kills = []
    with outages.load(BACKLOG) as load:
        postbacks = list(Postback.objects.select_related("action_tracker"))
        for _ in trange(30 if full else 6, desc="kills", leave=False, disable=None, unit=""):
            due = time.monotonic() + EVERY_SECONDS
            missing = BACKLOG - drains.unfinished()
            if missing > 0:
                rows.add_deliveries(postbacks, missing)
            load.watch(max(0.0, due - time.monotonic()))
            kills.append(_kill(random.choice(load.worker.children())))  # noqa: S311 -- not a secret
        drains.wait_until_delivered(0, "kill")
        lost, repeated = load.lost_and_repeated()
    holders = Counter(delivery for kill in kills for delivery in kill.held)
    unexplained = sum(max(0, again - holders[delivery]) for delivery, again in repeated.items())
    details = {"deliveries": sum(drains.states().values()), "held": [len(kill.held) for kill in kills]}
    what = f"kill -9 of a random worker process every {EVERY_SECONDS:.0f} s, {len(kills)} times: "
    yield Figure(what + "lost", lost, target=at_most(0), details=details)
    yield Figure("came again, in all", sum(repeated.values()), target=at_most(holders.total()))
    yield Figure("held by the killed when they were killed, in all", holders.total())
    yield Figure("came again without having been held by one killed", unexplained, target=at_most(0))
    yield Figure("longest that one had arrived and was not recorded", _oldest_ms(kills, load.arrivals), "ms")


def _oldest_ms(kills: Sequence[Kill], arrivals: Sequence[Arrival]) -> float:
    """How long before the kill the oldest unrecorded request of a killed process had arrived."""
    oldest = 0.0
    held_before: set[int] = set()  # These may have arrived from an earlier holder.
    for kill in kills:
        own = kill.held - held_before
        sent = (arrival.at for arrival in arrivals if arrival.at < kill.at and arrival.delivery_id in own)
        oldest = max(oldest, kill.at - min(sent, default=kill.at))
        held_before |= kill.held
    return oldest * 1000


def _kill(child: psutil.Process) -> Kill:
    """Suspends the child while reading which process holds what, then kills it."""
    child.suspend()
    with connection.cursor() as cursor:
        cursor.execute(_HELD)
        held = dict(cursor.fetchall())
        at = time.time()
        child.kill()
        with contextlib.suppress(psutil.TimeoutExpired):
            child.wait(1)  # The parent reaps it.
        time.sleep(0.05)  # Until its connections are closed, and with them its lock is released.
        cursor.execute(_LIVING, [LEASE_LOCKS])
        living = {owner for (owner,) in cursor.fetchall()}
    return Kill(at, {delivery for owner, deliveries in held.items() if owner not in living for delivery in deliveries})
