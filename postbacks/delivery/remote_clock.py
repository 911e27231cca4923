"""A server's clock and this process's: which moment of the one is which of the other. Pure.

When an answer comes says little about when it was given: one that took 0.7 s may be 0.7 s old. But each exchange bounds
the difference of the clocks, and the quickest of them bounds it best.
"""

from __future__ import annotations

DRIFT = 200e-6  # How fast two clocks may part, as a share of the time; common ones do less than half of it.


class RemoteClock:
    """Both clocks in seconds. Threads may share it: it has one attribute that changes, and that one as a whole."""

    def __init__(self) -> None:
        # The least and the greatest difference between the two, and when that was learnt.
        self._bounds = (float("-inf"), float("inf"), 0.0)

    def note(self, asked: float, answered: float, theirs: float) -> None:
        """Learns from one exchange: the server read its clock between these two moments of ours."""
        least, most = theirs - answered, theirs - asked
        known_least, known_most = self._at(answered)
        was_set = least > known_most or most < known_least  # Or another server took over.
        if was_set or most - least < known_most - known_least:
            self._bounds = (least, most, answered)

    def doubt(self, now: float) -> float:
        """By how much `here` may be wrong, at most."""
        least, most = self._at(now)
        return (most - least) / 2

    def here(self, theirs: float, now: float) -> float:
        """A moment of the server's clock on ours."""
        return theirs - self._difference(now)

    def there(self, now: float) -> float:
        """What the server's clock shows now."""
        return now + self._difference(now)

    def _difference(self, now: float) -> float:
        least, most = self._at(now)
        return (least + most) / 2

    def _at(self, now: float) -> tuple[float, float]:
        least, most, learnt = self._bounds
        drift = DRIFT * (now - learnt)
        return least - drift, most + drift
