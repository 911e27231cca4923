"""The judge: one thread per worker process for answers whose body has to be looked at.

A rule of an operator and an answer of a stranger may take a tenth of a second together, and the sender has hundreds of
transfers to look after. Answers whose status says it all take microseconds and do not come here.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from postbacks.delivery.outcomes import Sent

logger = logging.getLogger(__name__)

SLOW_SECONDS: Final = 0.01  # A lane whose last answer took longer waits for the others; ordinary ones take 0.1 ms.
_STOP: Final = 2  # After all that waits, slow or not.

_Waiting = tuple[int, int, Sent | None]


class Judge:
    """`put` takes attempts from any thread; `judge` is called with each, on the judge's thread."""

    def __init__(self, judge: Callable[[Sent], None]) -> None:
        self._judge = judge
        self._queue: queue.PriorityQueue[_Waiting] = queue.PriorityQueue()
        self._sequence = itertools.count()
        self._slow: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="postbacks-judge", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, sent: Sent) -> None:
        slow = sent.prepared.claimed.postback_id in self._slow
        self._queue.put((int(slow), next(self._sequence), sent))

    def stop(self, timeout_seconds: float) -> None:
        """Judges what waits, for that long at most. Other processes take over what is left."""
        self._queue.put((_STOP, next(self._sequence), None))
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (sent := self._queue.get()[2]) is not None:
            began = time.perf_counter()
            try:
                self._judge(sent)
            except Exception:
                logger.exception("Unexpected error in the judge; it continues.")
            lane = sent.prepared.claimed.postback_id
            if time.perf_counter() - began > SLOW_SECONDS:
                self._slow.add(lane)
            else:
                self._slow.discard(lane)
