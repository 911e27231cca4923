"""While something is down, each part that notices says the same each second: one line of it is enough."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

QUIET_SECONDS = 60
# Those who try again by themselves, and what any stranger can have said a thousand times. It differs in numbers only,
# so a line is known by what it is made of.
REPEATED = (
    "celery.beat",
    "celery.worker",
    "front.application",
    "kombu",
    "operations.readiness",
    "postbacks.delivery.bell",
    "postbacks.delivery.departures",
    "postbacks.delivery.drain",
    "postbacks.delivery.pacing",
    "postbacks.delivery.ready_queue",
    "postbacks.delivery.recorder",
    "postbacks.delivery.sweep",
)


class Repeats(logging.Filter):
    """Passes a warning or an error of REPEATED once a minute, with the number of those that were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # When it was last passed, and how many were not.

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.name.startswith(REPEATED):
            return True
        key = (record.name, str(record.msg))
        now = self._clock()
        passed_at, left_out = self._seen.get(key, (-QUIET_SECONDS, 0))
        if now - passed_at < QUIET_SECONDS:
            self._seen[key] = (passed_at, left_out + 1)
            return False
        self._seen[key] = (now, 0)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more of these since the last line.)"
            record.args = ()
        return True
