"""Work that goes on in a worker process beside its deliveries, on a thread of its own: Celery's has these to send."""

from __future__ import annotations

import threading
from collections.abc import Callable

STOPS_WITHIN_SECONDS = 5  # Longer than a step of any such work; what is under way then is done again later.


class Background:
    """One per process and kind of work. `work` is called with an event that is set when it is to stop."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Does nothing while it is running."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._work, args=(self._stopping,), name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Returns when the work has ended, or after some seconds."""
        with self._lock:
            self._stopping.set()
            if self._thread is not None:
                self._thread.join(STOPS_WITHIN_SECONDS)
                self._thread = None
