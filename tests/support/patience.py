"""Waiting for what is to happen, on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable

# Tests say how long something takes at most on a machine at rest. One with much else to do is given longer: whatever
# happens in time is noticed as soon as ever, and only a failure takes longer to be told.
PATIENCE = 4


def wait_until(condition: Callable[[], object], timeout_seconds: float, what: str) -> None:
    """Polls until `condition()` is true; fails the test, saying what it waited for."""
    deadline = time.monotonic() + PATIENCE * timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} times {timeout_seconds} s: {what}"
        time.sleep(0.01)
