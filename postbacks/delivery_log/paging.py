"""The log beyond one page: all that matches, page by page, and what is newer than what somebody has seen.

Each page starts at a key of an index, as on the screen, in a statement of its own. So an export of hours keeps no
snapshot of the database, which would keep old rows from being cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NEWEST, Finder

PAGE: Final = 1_000
COUNTED: Final = 200_000  # Counting further would take longer than it helps.
MOST_NEW: Final = 100


def pages_of(asked: Filters, *, networks: bool) -> Iterator[list[int]]:
    """The ids of all that matches, newest first. What is made meanwhile is not among them."""
    finder = Finder(asked, networks)
    high = NEWEST
    while ids := finder.below(high, PAGE):
        yield ids
        high = ids[-1]


def count_of(asked: Filters, *, networks: bool) -> int | None:
    """How many match; None if that is more than COUNTED."""
    found = len(Finder(asked, networks).some(COUNTED + 1))
    return found if found <= COUNTED else None


def newer_than(newest: int, asked: Filters, *, networks: bool) -> int:
    """How many deliveries that match are newer than this one, counted up to MOST_NEW + 1."""
    return len(Finder(asked, networks).above(newest, MOST_NEW + 1))
