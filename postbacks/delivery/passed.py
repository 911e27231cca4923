"""How far the claims of a backlog have come, lane by lane: the next one begins there.

PostgreSQL leaves what a claim has taken in its place in the index until the table is vacuumed. A claim that starts at
the front therefore passes over all that those before it took, which of a long backlog is more and more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from postbacks.delivery.claim import PLACED, LaneNow, Place

# What is given back, or was inserted by a transaction that took long, may stand before the place; it waits so long.
FORGET_SECONDS = 1.0


class Passed:
    """Belongs to the drain."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._forget_at = 0.0

    def places(self, room: Mapping[int, int]) -> dict[int, Place]:
        """Where to begin in those lanes that have a place, given the room of each."""
        now = time.monotonic()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_SECONDS
            self._places.clear()
        return {lane: self._places[lane] for lane, most in room.items() if most >= PLACED and lane in self._places}

    def note(self, room: Mapping[int, int], counts: Mapping[int, int], lanes: Mapping[int, LaneNow]) -> set[int]:
        """Notes what a claim has taken, by lane. Returns the lanes in which it found less than it looked for from a
        place on: there may be something before it."""
        again = set()
        for lane, most in room.items():
            last = lanes[lane].last
            if counts[lane] < most:
                if self._places.pop(lane, None) is not None:
                    again.add(lane)
            elif most >= PLACED and last is not None:
                self._places[lane] = last
        return again
