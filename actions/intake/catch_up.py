"""Reports that were answered and are not recorded yet: what was left is taken up, and readers wait for it briefly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from actions.intake import queue
from actions.intake.recorder import record_queued, record_taken
from actions.reports.report import Report

# The process that has answered a report records it within milliseconds, or has ended, or something is in the way.
LEFT_SECONDS: Final = 5.0
TOGETHER: Final = 100
# How long reading waits for what was answered before; and only for what is so young, as more may be in the way.
READS_WAIT_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 0.002


def take_left(seconds: float) -> int:
    """Record what was left, for up to `seconds`; how many reports that were."""
    until, done, after = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        found = queue.left(LEFT_SECONDS, after, TOGETHER)
        if not found:
            break
        done += len(record_queued(found))
        after = found[-1].id or after  # What is in the way of these may last.
    return done


def record_all(seconds: float) -> int:
    """Record all that was answered before now, for up to `seconds`; how many reports of it are still queued then."""
    up_to, after = queue.newest(), 0
    until = time.monotonic() + seconds
    while after < up_to and time.monotonic() < until:
        found = [each for each in queue.left(0, after, TOGETHER) if (each.id or 0) <= up_to]
        if not found:
            break
        record_queued(found)
        after = found[-1].id or up_to
    return queue.number(up_to)


def record_before(reports: Sequence[Report]) -> None:
    """Record what was answered before of the orders of these reports, which another way in is about to record."""
    earlier = queue.of_orders(queue.orders_of(reports))
    if earlier:
        record_taken(earlier)


def wait_for_queued() -> None:
    """Wait, not for long, until what was answered before now is recorded."""
    up_to, pause = queue.youngest(READS_WAIT_SECONDS), _FIRST_PAUSE_SECONDS
    until = time.monotonic() + READS_WAIT_SECONDS
    while up_to is not None and time.monotonic() < until:
        time.sleep(pause)
        pause *= 2
        if queue.youngest(READS_WAIT_SECONDS, up_to) is None:
            return
