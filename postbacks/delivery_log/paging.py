"""The log beyond one page: all that matches, page by page, and what is newer than what somebody has seen.

Each page starts at a key of an index, as on the screen, in a statement of its own. So an export of hours keeps no
snapshot of the database, which would keep old rows from being cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.finder_of import finder_of, lists_attempts
from postbacks.delivery_log.hits import Hit

PAGE: Final = 1_000
FIRST_PAGE: Final = 200  # Less, so that a download begins at once.
COUNTED: Final = 200_000  # Counting further would take longer than it helps.
MOST_NEW: Final = 100


def pages_of(asked: Filters, *, networks: bool) -> Iterator[list[Hit]]:
    """All rows that match, in the order of the log. What comes meanwhile is not among them."""
    finding = finder_of(asked, networks=networks)
    key, size = None, min(FIRST_PAGE, PAGE)
    while hits := finding.older(key, size):
        yield hits
        key, size = hits[-1].key, PAGE


def count_of(asked: Filters, *, networks: bool) -> int | None:
    """How many rows match; None if that is more than COUNTED."""
    finding = finder_of(asked, networks=networks)
    found = len(finding.older(None, COUNTED + 1) if lists_attempts(asked) else finding.some(COUNTED + 1))
    return found if found <= COUNTED else None


def newer_than(newest: str, asked: Filters, *, networks: bool) -> int:
    """How many rows that match come before the one with the key `newest`, counted up to MOST_NEW + 1."""
    return len(finder_of(asked, networks=networks).newer(newest, MOST_NEW + 1))
