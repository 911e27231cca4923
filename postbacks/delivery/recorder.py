"""The recorder: one thread per worker process that writes the outcomes of deliveries, in batches as they come.

It never loses its batch: it keeps it while the database is unreachable, writes a row that the database refuses without
its texts, and sets aside an outcome whose row somebody has locked, while it writes the others. Its connection also
holds the process's advisory lock, which shows the others that it is alive. While it is not healthy, the process claims
and starts nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

import psycopg2
from psycopg2 import extensions

from postbacks import database
from postbacks.delivery import blockers, heartbeat, leases, result_sql, trouble
from postbacks.delivery.aftermath import PASSING, Aftermath, FollowUp
from postbacks.delivery.claim import lease_seconds
from postbacks.delivery.outcomes import Judged
from postbacks.delivery.ownership import Ownership

logger = logging.getLogger(__name__)

MAX_BATCH = 500  # Larger batches are no faster.
# Where so many outcomes were in the last batch, or have come while it was written, more are on their way. A batch costs
# as much as some dozens of outcomes in it, so it waits for them: a fraction of the time that a delivery of a backlog
# waits anyway.
MANY = 48
GATHER_SECONDS = 0.05
# Only while the sender has at least so much to do meanwhile: what is recorded makes room for what it does next.
LEFT_TO_SEND = 256
IDLE_WAIT_SECONDS = 0.05  # How late a lane may notice that it has room or a slot again.
RECONNECT_WAIT_SECONDS = 0.5
CONFIRM_SECONDS = 0.5  # How often an idle recorder asks the server whether it is still there.
LOCK_TIMEOUT_MS = 100  # Ours hold a row for a few milliseconds; what holds one for longer may hold it for hours.
SET_ASIDE_SECONDS = 0.25  # How often it looks whether locked rows are free again.
CAREFUL_SECONDS = 5.0  # For this long after it met a locked row, it looks for others before it waits for them.
NAMED_EVERY_SECONDS = 60.0


class Recorder:
    """`put` takes outcomes from any thread. `on_recorded` is called on the recorder's thread after each batch, with
    what was written and what follows from it; with an empty batch every IDLE_WAIT_SECONDS. `held` says how many
    deliveries the process has claimed and not yet recorded."""

    def __init__(
        self,
        holder: int,
        on_recorded: Callable[[Sequence[Judged], FollowUp], None],
        ownership: Ownership | None = None,
        held: Callable[[], int] = lambda: 0,
    ) -> None:
        self._holder = holder
        self._held = held
        self._pulse = heartbeat.ProcessPulse(heartbeat.RECORD, holder)
        self._on_recorded = on_recorded
        self._ownership = ownership or Ownership()
        self._queue: queue.SimpleQueue[Judged] = queue.SimpleQueue()
        self._connection: extensions.connection | None = None
        self._connected_before = False
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._set_aside: list[Judged] = []
        self._look_again_at = 0.0
        self._careful_until = 0.0
        self._named_at = -NAMED_EVERY_SECONDS
        self._lately = 0  # How many were in the last batch.
        self._after = Aftermath()
        self._chained: set[int] = set()  # The lanes of what was written in which something is blocked.
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
        while not (self._stopping.is_set() and self._queue.empty() and not self._set_aside):
            try:
                connection = self._stay_connected()
                self._retry_set_aside(connection)
                batch = self._next_batch()
                written = self._write(batch) if batch else []
                self._report(self._connection or connection, written)
            except psycopg2.Error as error:
                logger.warning("The recorder cannot reach the database (%s); it tries again.", str(error).strip())
                self._disconnect()
                time.sleep(RECONNECT_WAIT_SECONDS)
            except Exception:
                logger.exception("Unexpected error in the recorder; it continues.")
                time.sleep(RECONNECT_WAIT_SECONDS)
        if self._connection is not None:
            self._connection.close()

    def _stay_connected(self) -> extensions.connection:
        if self._connection is None:
            self._connection = self._connect()
        else:
            # Detects that the server hung up: without the lock, the others would take over what we hold.
            self._connection.poll()
            if self._ownership.silent_seconds > CONFIRM_SECONDS:
                asked_at = time.monotonic()
                with self._connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                self._ownership.confirm(asked_at)
        self._ready.set()
        return self._connection

    def _connect(self) -> extensions.connection:
        connection = database.connect("recorder", lock_timeout_ms=LOCK_TIMEOUT_MS)
        try:
            asked_at = time.monotonic()
            leases.announce(connection, self._holder)
            if self._connected_before:
                with connection.cursor() as cursor:
                    leases.renew(cursor, self._holder, lease_seconds())
            self._ownership.confirm(asked_at)
        except BaseException:
            connection.close()
            raise
        self._connected_before = True
        return connection

    def _next_batch(self) -> list[Judged]:
        waiting = self._queue.qsize()
        many = max(waiting, self._lately) >= MANY
        if many and waiting < MAX_BATCH and self._held() - waiting >= LEFT_TO_SEND and not self._stopping.is_set():
            time.sleep(GATHER_SECONDS)  # Not `get`, which would wake this thread for each that comes.
        batch: list[Judged] = []
        try:
            batch.append(self._queue.get(timeout=IDLE_WAIT_SECONDS))
            while len(batch) < MAX_BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        self._lately = len(batch)
        return batch

    def _write(self, batch: list[Judged]) -> list[Judged]:
        """Retries until the batch is written or set aside, reconnecting as often as it takes; only then is the recorder
        healthy. Returns what was written."""
        while True:
            try:
                return self._write_once(batch)
            except psycopg2.Error as error:
                logger.warning("Could not record %d outcomes (%s); trying again.", len(batch), str(error).strip())
                trouble.tell(error)
                self._disconnect()
                time.sleep(RECONNECT_WAIT_SECONDS)

    def _write_once(self, batch: list[Judged], *, again: bool = False) -> list[Judged]:
        connection = self._connection = self._connection or self._connect()
        asked_at = time.monotonic()
        careful = again or asked_at < self._careful_until
        try:
            locked, chained = result_sql.write(connection, self._holder, batch, careful=careful)
            self._chained |= chained
        except PASSING as error:
            logger.warning("%d outcomes wait (%s).", len(batch), str(error).strip())
            locked = batch
        except psycopg2.Error:
            raise
        except Exception:
            logger.exception("%d outcomes cannot be recorded with their attempts.", len(batch))
            return self._write_bare(connection, batch)
        self._ownership.confirm(asked_at)
        if len(locked) < len(batch):
            with connection.cursor() as cursor:
                self._pulse.note(cursor)
        if locked:
            self._keep(connection, locked)
            ids = {judged.claimed.delivery_id for judged in locked}
            return [judged for judged in batch if judged.claimed.delivery_id not in ids]
        return batch

    def _write_bare(self, connection: extensions.connection, batch: list[Judged]) -> list[Judged]:
        """After an error of our own: each on its own, at worst without its attempt."""
        if len(batch) > 1:
            return [judged for one in batch for judged in self._write_once([one])]
        bare = [judged._replace(sent=None) for judged in batch]
        try:
            locked, chained = result_sql.write_outcomes(connection, self._holder, batch, careful=True)
            self._chained |= chained
        except psycopg2.Error:
            raise
        except Exception:
            logger.exception(
                "The outcome of delivery %d cannot be recorded. It is sent again after its lease.",
                batch[0].claimed.delivery_id,
            )
            return bare
        if locked:
            self._keep(connection, batch)
        return [] if locked else bare

    def _keep(self, connection: extensions.connection, locked: list[Judged]) -> None:
        """Sets aside what somebody has locked. It stays claimed, so that nobody sends it again."""
        self._set_aside += locked
        now = time.monotonic()
        self._careful_until = now + CAREFUL_SECONDS
        self._look_again_at = now + SET_ASIDE_SECONDS
        if now - self._named_at >= NAMED_EVERY_SECONDS:
            self._named_at = now
            blockers.log(connection, [judged.claimed.delivery_id for judged in locked])

    def _retry_set_aside(self, connection: extensions.connection) -> None:
        if not self._set_aside or time.monotonic() < self._look_again_at:
            return
        batch, self._set_aside = self._set_aside[:MAX_BATCH], self._set_aside[MAX_BATCH:]
        try:
            written = self._write_once(batch, again=True)
        except BaseException:
            self._set_aside = batch + self._set_aside
            raise
        if written:
            self._report(connection, written)

    def _report(self, connection: extensions.connection, written: list[Judged]) -> None:
        chained, self._chained = self._chained, set()
        try:
            follow_up = self._after.follow(connection, written, chained)
        except Exception:
            logger.exception("What follows from %d outcomes is left to the sweep.", len(written))
            follow_up = FollowUp({}, [])
        self._on_recorded(written, follow_up)

    def _disconnect(self) -> None:
        self._ready.clear()
        self._ownership.lose()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
