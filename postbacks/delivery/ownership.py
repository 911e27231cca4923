"""Whether this process may still start transfers: only while it knows that the others take it for alive.

The recorder's connection holds the process's lock. It may be cut, or hang, while the process lives on. From then on
nothing is started, and what was claimed before and not started goes back: by the time the lock is held again, others
may have taken it.
"""

from __future__ import annotations

import time

# The others wait `leases.ABSENCE_SECONDS` from the loss of the lock. A transfer that starts this long after the server
# last answered leaves them a second.
CERTAIN_SECONDS = 2.0


class Ownership:
    """Written by the recorder's thread; any thread may read, as each attribute is one value."""

    def __init__(self) -> None:
        self.tenure = 0  # Counts how often the lock was lost; a claim is good for the tenure in which it was made.
        self._confirmed_at = float("-inf")

    @property
    def certain(self) -> bool:
        """Whether the lock was held a moment ago."""
        return time.monotonic() - self._confirmed_at < CERTAIN_SECONDS

    @property
    def silent_seconds(self) -> float:
        """The time since the lock was last known to be held."""
        return time.monotonic() - self._confirmed_at

    def confirm(self, at: float) -> None:
        """The server has answered, on the connection with the lock, a question of `at` on the monotonic clock."""
        self._confirmed_at = at

    def lose(self) -> None:
        """The connection with the lock is gone."""
        self.tenure += 1
        self._confirmed_at = float("-inf")
