"""Waiting for what is to happen, on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable

# Tests say how long something takes at most on a machine at rest. One with much else to do is given longer: whatever
# happens in time is noticed as soon as ever, and only a failure takes longer to be told.
PATIENCE = 4

# Nothing else has run either while the machine stood still, so that counts as no more than this.
_LONGEST_POLL_SECONDS = 1.0


def wait_until(
    condition: Callable[[], object], timeout_seconds: float, what: str, instead: Callable[[], object] = lambda: ""
) -> None:
    """Polls until `condition()` is true; fails the test, saying what it waited for, and what it found `instead`."""
    left = PATIENCE * timeout_seconds
    looked = time.monotonic()
    while not condition():
        assert left > 0, f"waited {PATIENCE} times {timeout_seconds} s: {what} {instead()}"
        # Looking takes what is waited for only a part of the processor.
        time.sleep(min(0.1, max(0.01, 2 * (time.monotonic() - looked))))
        left -= min(time.monotonic() - looked, _LONGEST_POLL_SECONDS)
        looked = time.monotonic()
