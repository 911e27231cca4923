"""What one thread hands to another, who takes all of it that has come."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Pile(Generic[Thing]):
    """Things in the order in which they came. Any thread may put, one takes."""

    def __init__(self) -> None:
        self.is_closed = False
        self._things: deque[Thing] = deque()
        self._changed = threading.Condition()
        self._wanted = 1  # So many wake the one who takes.
        self._is_urgent = False

    def put(self, *things: Thing, is_urgent: bool = False) -> None:
        """With `is_urgent`, who takes waits for no more."""
        if things:
            with self._changed:
                self._things.extend(things)
                self._is_urgent |= is_urgent
                if self._is_urgent or len(self._things) >= self._wanted:
                    self._changed.notify()

    def close(self) -> None:
        """Lets those that take end, once nothing is left."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def take(self, most: int, seconds: float | None = None, *, not_before: float = 0.0) -> list[Thing] | None:
        """The next things, at least one; none after so many seconds without any, and None once it is closed.

        Before that moment of the monotonic clock it waits for more, unless as many are there as may be taken, or one is
        urgent.
        """
        with self._changed:
            if not self._things and not self.is_closed:
                self._changed.wait(seconds)
            self._wanted = most
            while self._may_wait(most) and (rest := not_before - time.monotonic()) > 0:
                self._changed.wait(rest)
            self._wanted = 1
            if not self._things and self.is_closed:
                return None
            taken = [self._things.popleft() for _ in range(min(most, len(self._things)))]
            self._is_urgent = self._is_urgent and bool(self._things)
            return taken

    def _may_wait(self, most: int) -> bool:
        return 0 < len(self._things) < most and not self._is_urgent and not self.is_closed
