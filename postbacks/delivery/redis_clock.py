"""Redis's clock and this process's: which moment of the one is which of the other. Pure.

Slots are moments of Redis's clock. When an answer comes says little about when it was given: an answer that took 0.7 s
may be 0.7 s old. But each exchange bounds the difference of the clocks, and the quickest of them bounds it best.
"""

from __future__ import annotations

DRIFT = 200e-6  # How fast two clocks may part, as a share of the time; common ones do less than half of it.


class RedisClock:
    """Both clocks in seconds. Threads may share it: it has one attribute that changes, and that one as a whole."""

    def __init__(self) -> None:
        # The least and the greatest difference between the two, and when that was learnt.
        self._bounds = (float("-inf"), float("inf"), 0.0)

    def note(self, asked: float, answered: float, redis_now: float) -> None:
        """Learns from one exchange: Redis read its clock between these two moments of ours."""
        least, most = redis_now - answered, redis_now - asked
        known_least, known_most = self._at(answered)
        was_set = least > known_most or most < known_least  # Or another server took over.
        if was_set or most - least < known_most - known_least:
            self._bounds = (least, most, answered)

    def doubt(self, now: float) -> float:
        """By how much `here` may be wrong, at most."""
        least, most = self._at(now)
        return (most - least) / 2

    def here(self, redis_moment: float, now: float) -> float:
        """A moment of Redis's clock on ours."""
        least, most = self._at(now)
        return redis_moment - (least + most) / 2

    def _at(self, now: float) -> tuple[float, float]:
        least, most, learnt = self._bounds
        drift = DRIFT * (now - learnt)
        return least - drift, most + drift
