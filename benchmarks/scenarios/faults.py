"""What is lost, repeated, reordered or sent too fast while something fails, and what `/readyz` says of it.

Each fault strikes a worker that drains chains of events to twenty destinations, four of them limited, while reports
come in. It is over when all that was reported has been delivered.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import psycopg2
from django.db import connection
from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select

from benchmarks import drains, rows, servers
from benchmarks.chains import LIMIT, Chains, longest_standstill
from benchmarks.processes import Running, running_beat, running_worker, workers
from benchmarks.receivers import own_receiver
from benchmarks.results import Figure, at_most
from operations.asking import database_parameters
from operations.readiness import all_checks
from postbacks.delivery.redis import client

ACTIONS = 150
STRIKES_AT = 1000  # Arrivals.
GIVE_UP_SECONDS = 120

_RECORDERS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'postbacks recorder%%'"
_SENDING = "SELECT count(*) FROM postbacks_delivery WHERE state = 'sending'"


@dataclass(slots=True)
class Scene:
    """What a fault may break."""

    stack: ExitStack
    worker: Running
    beat: Running


Fault = Callable[[Scene], None]


def figures(full: bool) -> Iterator[Figure]:  # noqa: ARG001 -- the same for a long run
    """One fault after another, each on empty tables."""
    for name, fault in FAULTS.items():
        yield from figures_of(name, fault)


def figures_of(name: str, fault: Fault) -> Iterator[Figure]:
    """Strikes with one fault, and yields what came of it."""
    set_wait_callback(None)  # Recording uses COPY, which knows no callback.
    try:
        yield from _struck(name, fault)
    finally:
        set_wait_callback(wait_select)


def _struck(name: str, fault: Fault) -> Iterator[Figure]:
    rows.clear()
    with own_receiver(logged=True) as receiver:
        chains = Chains(receiver)
        chains.report(ACTIONS)
        with ExitStack() as stack:
            worker = stack.enter_context(running_worker(kill=True))
            beat = stack.enter_context(running_beat())
            drains.wait_for(lambda: len(chains.heard()) >= STRIKES_AT, 30, "the drain begins")
            with chains.reporting(), _watched_readiness() as said:
                held = int(drains.scalar(_SENDING))
                struck = time.time()
                fault(Scene(stack, worker, beat))
                over = time.time()
                time.sleep(2)
            _wait_until_finished()
            recovered = time.time() - over
        time.sleep(0.3)
        heard = chains.heard()
        verdict = chains.verdict(heard)
    details = {"expected": verdict.expected, "sending_when_struck": held, "readyz": said}
    yield Figure(f"{name}: lost", verdict.lost, target=at_most(0), details=details)
    yield Figure("… repeated", verdict.repeated)
    yield Figure("… first arrivals out of order", verdict.out_of_order, target=at_most(0))
    yield Figure("… repeats after a later event", verdict.stale)
    yield Figure(f"… most in any 1 s, of {LIMIT}", verdict.most_in_a_second, target=at_most(LIMIT))
    yield Figure("… longest standstill", longest_standstill(heard, struck), "s", 1)
    yield Figure("… all delivered, after the fault was over", recovered, "s", 1)
    yield Figure(f"… /readyz: {', '.join(said) or 'ready'}", len(said))


def _wait_until_finished() -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if drains.all_finished():
                return
        connection.close()
        time.sleep(0.1)


@contextmanager
def _watched_readiness() -> Iterator[list[str]]:
    """The names of the checks that fail at any time while the block lasts."""
    said: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            all_checks.forget()
            for check in all_checks():
                if not check.ok and check.name not in said:
                    said.append(check.name)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        done.set()
        thread.join(10)


def _nothing(_scene: Scene) -> None:
    time.sleep(1)


def _kill_children(scene: Scene) -> None:
    for _ in range(3):
        scene.worker.children()[0].kill()
        time.sleep(1.5)


def _kill_parent(scene: Scene) -> None:
    scene.worker.process.kill()
    scene.stack.enter_context(workers(kill=True))


def _cut_recorders(_scene: Scene) -> None:
    for _ in range(8):
        _terminate(_RECORDERS)
        time.sleep(0.3)


def _cut_everything(_scene: Scene) -> None:
    for _ in range(3):
        _terminate("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        time.sleep(0.5)


def _lock_a_row(_scene: Scene) -> None:
    with contextlib.closing(psycopg2.connect(**database_parameters())) as locker, locker.cursor() as cursor:
        cursor.execute("SELECT id FROM postbacks_delivery WHERE state = 'sending' LIMIT 1 FOR UPDATE")
        time.sleep(8)
        locker.rollback()


def _stop_postgres(_scene: Scene) -> None:
    server = servers.postgres()
    every = [server, *server.children(recursive=True)]
    for process in every:
        with contextlib.suppress(psutil.Error):
            process.suspend()
    time.sleep(5)
    for process in every:
        with contextlib.suppress(psutil.Error):
            process.resume()


def _restart_postgres(_scene: Scene) -> None:
    servers.postgres().send_signal(signal.SIGQUIT)
    connection.close()
    _until(lambda: drains.scalar("SELECT 1") == 1)


def _stop_redis(_scene: Scene) -> None:
    server = servers.redis()
    for _ in range(3):
        server.suspend()
        time.sleep(6.5)
        server.resume()
        time.sleep(1)


def _restart_redis(_scene: Scene) -> None:
    before = servers.redis()
    before.kill()
    _until(lambda: servers.redis() != before)


def _flush_redis(_scene: Scene) -> None:
    client.flushall()


def _full_redis(_scene: Scene) -> None:
    client.config_set("maxmemory", "1mb")
    time.sleep(6)
    client.config_set("maxmemory", "0")


def _suspend_a_child(scene: Scene) -> None:
    child = scene.worker.children()[0]
    child.suspend()
    time.sleep(12)
    child.resume()


def _suspend_the_parent(scene: Scene) -> None:
    scene.worker.process.suspend()
    time.sleep(12)
    scene.worker.process.resume()


def _terminate(select: str) -> None:
    with contextlib.suppress(psycopg2.Error), contextlib.closing(psycopg2.connect(**database_parameters())) as ours:
        ours.autocommit = True
        with ours.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_terminate_backend(pid) FROM ({select}) found WHERE pid <> pg_backend_pid()"  # noqa: S608 -- constants
            )


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if condition():
                return
        connection.close()
        time.sleep(0.1)


FAULTS: dict[str, Fault] = {
    "nothing": _nothing,
    "kill -9 of a worker process, 3 times": _kill_children,
    "kill -9 of the worker's parent, and a new worker": _kill_parent,
    "recorder's connection cut, 8 times": _cut_recorders,
    "all connections to PostgreSQL cut, 3 times": _cut_everything,
    "a sending delivery's row locked for 8 s": _lock_a_row,
    "PostgreSQL suspended for 5 s": _stop_postgres,
    "PostgreSQL crashed": _restart_postgres,
    "Redis suspended for 6.5 s, 3 times": _stop_redis,
    "Redis killed": _restart_redis,
    "FLUSHALL": _flush_redis,
    "Redis refuses writes for 6 s": _full_redis,
    "a worker process suspended for 12 s": _suspend_a_child,
    "the worker's parent suspended for 12 s": _suspend_the_parent,
}
