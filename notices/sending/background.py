"""Goes round inside a worker, on a separate thread: the worker's own has deliveries to send, and a chat may hang."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connections

from notices.sending.rounds import go_round

logger = logging.getLogger(__name__)

STOPS_WITHIN_SECONDS = 5  # A message that is under way is tried again by another process.


class Teller:
    """One per process; `start` does nothing while it is running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name="postbacks-teller", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._thread is not None:
                self._thread.join(STOPS_WITHIN_SECONDS)
                self._thread = None

    def _run(self) -> None:
        try:
            go_round(self._stopping.is_set)
        except DatabaseError as error:
            logger.warning("Operators could not be told (%s); it is tried again in half a minute.", str(error).strip())
        except Exception:
            logger.exception("Unexpected error while telling operators; it is tried again in half a minute.")
        finally:
            connections.close_all()  # Those of this thread.


teller = Teller()
