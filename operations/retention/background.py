"""Prunes inside a worker, on a separate thread, because the worker's own thread has deliveries to send."""

from __future__ import annotations

import logging
import threading

import psycopg2

from operations.retention.prune import BusyError, prune

logger = logging.getLogger(__name__)

# The task comes every hour of the night; a run ends before the next one begins.
FOR_SECONDS = 55 * 60
STOPS_WITHIN_SECONDS = 5


class Pruner:
    """One per process; `start` does nothing while it is running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name="postbacks-pruner", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stops after the current batch; the rest waits for the next run."""
        with self._lock:
            self._stopping.set()
            if self._thread is not None:
                self._thread.join(STOPS_WITHIN_SECONDS)
                self._thread = None

    def _run(self) -> None:
        try:
            result = prune(seconds=FOR_SECONDS, pause=self._stopping.wait)
        except BusyError:
            pass
        except psycopg2.Error as error:
            logger.warning("Pruning was cut short (%s); it continues in an hour.", str(error).strip())
        except Exception:
            logger.exception("Unexpected error while pruning; it continues in an hour.")
        else:
            if any(result.gone.values()):
                told = ", ".join(f"{name} {number:,}" for name, number in result.gone.items() if number)
                logger.info("Pruned: %s%s.", told, "" if result.whole else "; more remains for the next hour")


pruner = Pruner()
