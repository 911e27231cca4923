"""Keeping what was read of the set-up for as long as nobody changes it.

Programs, event types, partners, contracts, rates and postbacks are read at every recording and hardly ever change. A
trigger on each of their tables gives the one row of `partners_setup_version` a new number, in the transaction that
changes them; a recording reads the number first, and what it has kept for that number it does not read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connection

Kept = TypeVar("Kept")


def current() -> int:
    """The number of the set-up as this transaction sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM partners_setup_version")
        row: tuple[int] = cursor.fetchone()
    return row[0]


class PerVersion(Generic[Kept]):
    """What one process keeps of the set-up: made empty by `make`, filled by its users, dropped at the next version.

    Threads share it, so users only add to it, whole entries at a time.
    """

    def __init__(self, make: Callable[[], Kept]) -> None:
        self._make = make
        self._kept: tuple[int, Kept] | None = None

    def at(self, version: int) -> Kept:
        """What is kept for `version`."""
        kept = self._kept
        if kept is None or kept[0] != version:
            kept = self._kept = (version, self._make())
        return kept[1]
