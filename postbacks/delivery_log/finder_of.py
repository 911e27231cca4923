"""Chooses how the log is read: by when deliveries were made, when they ended, or by attempts."""

from __future__ import annotations

from postbacks.delivery_log.attempted import AttemptFinder
from postbacks.delivery_log.ended import EndedFinder
from postbacks.delivery_log.filters import Filters, Time
from postbacks.delivery_log.find import Finder
from postbacks.delivery_log.hits import Finding
from postbacks.metrics.reasons import UNSENT


def lists_attempts(asked: Filters) -> bool:
    """Whether the rows are attempts. A reason without an attempt has only deliveries."""
    if asked.statuses is not None:
        return True
    return asked.why not in UNSENT and (asked.time is Time.ATTEMPTED or bool(asked.why))


def finder_of(asked: Filters, *, networks: bool) -> Finding:
    """Finds what is asked for; without `networks`, only what belongs to postbacks of partners."""
    if lists_attempts(asked):
        return AttemptFinder(asked, networks)
    few = asked.search or asked.replay is not None or asked.why
    return EndedFinder(asked, networks) if asked.time is not Time.MADE and not few else Finder(asked, networks)
