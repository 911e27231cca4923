"""Waiting at the bell: how a process that is awake learns that some lane is due, without a message of Celery's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from postbacks.delivery import ready_queue

logger = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0  # Well within AWAKE_FOR_MS, and within the timeout of the client's socket.
LOOK_SECONDS = ready_queue.COMES_WITHIN_MS / 1000
UNABLE_SECONDS = 0.05  # How often a process that cannot claim, or is full, looks whether it can again.
OUTAGE_SECONDS = 1.0
STOP_SECONDS = 3.0  # An answer of Redis takes two at most.


class Bell:
    """One thread per worker process. It calls `drain` when the bell says so, but listens only while `able`."""

    def __init__(self, holder: int, drain: Callable[[], None], able: Callable[[], bool]) -> None:
        self._own = f"{ready_queue.BELL}:{holder}"
        self._drain = drain
        self._able = able
        self._stopping = threading.Event()
        self._awake_until = 0.0  # On the monotonic clock: when to say so again.
        self._looks = False  # The bell has called another process, and this one is to see whether it comes.
        self._thread = threading.Thread(target=self._run, name="postbacks-bell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call_own(self) -> None:
        """Has this process drain, from any thread; others are not called."""
        ready_queue.call_own(self._own)

    def stop(self) -> None:
        """Listens no more. A drain that runs ends first, if it ends soon."""
        self._stopping.set()
        if self._thread.is_alive():
            ready_queue.call_off(self._own)
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._able():
                    self._listen()
                else:
                    self._stopping.wait(UNABLE_SECONDS)
            except (RedisError, OSError) as error:
                logger.warning("Cannot wait for work in Redis (%s); the sweep looks for it meanwhile.", error)
                self._stopping.wait(OUTAGE_SECONDS)
            except Exception:
                logger.exception("Unexpected error while waiting for work; it goes on.")
                self._stopping.wait(OUTAGE_SECONDS)

    def _listen(self) -> None:
        if time.monotonic() >= self._awake_until:
            ready_queue.say_awake()
            self._awake_until = time.monotonic() + LISTEN_SECONDS
        looks, self._looks = self._looks, False
        said = ready_queue.listen(self._own, LOOK_SECONDS if looks else LISTEN_SECONDS)
        if said == ready_queue.LOOK:
            self._looks = True
        elif said == ready_queue.GO or (said is None and looks and ready_queue.has_rung()):
            self._drain()
