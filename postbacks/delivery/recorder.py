"""The recorder: one thread per worker process that writes the outcomes of deliveries, in batches as they come.

It never loses its batch: it keeps it while the database is unreachable, and writes a row that the database refuses
without its texts. Its connection also holds the process's advisory lock, which shows the others that it is alive.
While it is not healthy, the process claims nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2 import extensions

from postbacks import database
from postbacks.delivery import heartbeat, leases, result_sql, trouble
from postbacks.delivery.chains import earliest, promote
from postbacks.delivery.circuit_breaker import store as circuit_breaker
from postbacks.delivery.circuit_breaker.health import Observation, Sign, sign_of
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Retry

logger = logging.getLogger(__name__)

MAX_BATCH = 500  # Larger batches are no faster.
IDLE_WAIT_SECONDS = 0.05  # How late a lane may notice that it has room or a slot again.
RECONNECT_WAIT_SECONDS = 0.5


class FollowUp(NamedTuple):
    """What follows from a batch: in how many seconds lanes have work, and whose hold began, continued or ended."""

    due: dict[int, float]
    hold_changes: list[circuit_breaker.HoldChange]


class Recorder:
    """`put` takes outcomes from any thread. `on_recorded` is called on the recorder's thread after each batch, with the
    batch and what follows from it; with an empty batch every IDLE_WAIT_SECONDS."""

    def __init__(self, holder: int, on_recorded: Callable[[Sequence[Judged], FollowUp], None]) -> None:
        self._holder = holder
        self._pulse = heartbeat.ProcessPulse(heartbeat.RECORD, holder)
        self._on_recorded = on_recorded
        self._queue: queue.SimpleQueue[Judged] = queue.SimpleQueue()
        self._connection: extensions.connection | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postbacks-recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """Whether it is connected, and known to the other processes as alive."""
        return self._ready.is_set() and self._thread.is_alive()

    def wait_healthy(self, timeout_seconds: float) -> bool:
        return self._ready.wait(timeout_seconds)

    def put(self, judged: Judged) -> None:
        self._queue.put(judged)

    def stop(self, timeout_seconds: float) -> None:
        """Writes what is queued, for `timeout_seconds` at most. Other processes take over what is left."""
        self._stopping.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._queue.empty()):
            try:
                self._stay_connected()
                batch = self._next_batch()
                self._on_recorded(batch, self._write(batch) if batch else FollowUp({}, []))
            except psycopg2.Error as error:
                logger.warning("The recorder cannot reach the database (%s); it tries again.", str(error).strip())
                self._disconnect()
                time.sleep(RECONNECT_WAIT_SECONDS)
            except Exception:
                logger.exception("Unexpected error in the recorder; it continues.")
                time.sleep(RECONNECT_WAIT_SECONDS)
        if self._connection is not None:
            self._connection.close()

    def _stay_connected(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
        else:
            # Detects that the server hung up: without the lock, the others would take over what we hold.
            self._connection.poll()
        self._ready.set()

    def _connect(self) -> extensions.connection:
        connection = database.connect("recorder")
        leases.announce(connection, self._holder)
        return connection

    def _next_batch(self) -> list[Judged]:
        batch: list[Judged] = []
        try:
            batch.append(self._queue.get(timeout=IDLE_WAIT_SECONDS))
            while len(batch) < MAX_BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _write(self, batch: Sequence[Judged]) -> FollowUp:
        """Retries until the batch is written, reconnecting as often as it takes; only then is the recorder healthy."""
        while True:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                result_sql.write(self._connection, self._holder, batch)
                follow_up = self._after(self._connection, batch)
                with self._connection.cursor() as cursor:
                    self._pulse.note(cursor)
            except psycopg2.Error as error:
                logger.warning("Could not record %d outcomes (%s); trying again.", len(batch), str(error).strip())
                trouble.tell(error)
                self._disconnect()
                time.sleep(RECONNECT_WAIT_SECONDS)
            except Exception:
                logger.exception(
                    "%d outcomes cannot be recorded; they are sent again when their lease ends.", len(batch)
                )
                return FollowUp({}, [])
            else:
                return follow_up

    def _after(self, connection: extensions.connection, batch: Sequence[Judged]) -> FollowUp:
        """Finds the lanes that have work now (retries, and the next of each chain), and learns their health."""
        times = [(j.claimed.postback_id, j.outcome.delay_seconds) for j in batch if isinstance(j.outcome, Retry)]
        finished = [j.claimed for j in batch if isinstance(j.outcome, Delivered | GaveUp)]
        if finished:
            with connection.cursor() as cursor:
                times += promote(cursor, ((one.postback_id, one.action_id) for one in finished)).items()
        return FollowUp(earliest(times), circuit_breaker.learn(connection, _news(batch)))

    def _disconnect(self) -> None:
        self._ready.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _news(batch: Sequence[Judged]) -> dict[int, list[Observation]]:
    """What the batch says about its destinations, by lane. A good answer is news only if the lane had failures, and a
    result that says nothing is news only if it was the probe."""
    by_lane: dict[int, list[Observation]] = {}
    lanes_with_news: set[int] = set()
    for judged in batch:
        sign = sign_of(judged)
        if sign in (Sign.SILENT, Sign.UNSENT) and not judged.probe:
            continue
        by_lane.setdefault(judged.claimed.postback_id, []).append(
            Observation(sign, judged.claimed.action_id, judged.probe)
        )
        if sign is not Sign.ALIVE or (judged.sent is not None and judged.sent.prepared.troubled):
            lanes_with_news.add(judged.claimed.postback_id)
    return {lane: by_lane[lane] for lane in lanes_with_news}
