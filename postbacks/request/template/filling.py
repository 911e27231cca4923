"""The values of one event on their way into one request, and what writing them may still take.

Every join looks at all items, and a request may have hundreds of joins: with a bound for each alone, one request could
take minutes. So one budget holds for all of its templates. It counts steps, which are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postbacks.request.template import limits
from postbacks.request.template.errors import TooMuchWorkError

Values = Mapping[str, Any]


class Filling(dict[str, Any]):
    """A copy of the values, with the budget."""

    __slots__ = ("_left",)

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._left = limits.STEPS

    def spend(self, steps: int, made: str = "") -> None:
        """Takes steps from the budget, and those for a text that was made. Raises TooMuchWorkError."""
        self._left -= steps + len(made) // limits.CHARACTERS_A_STEP
        if self._left < 0:
            raise TooMuchWorkError(f"it takes more than {limits.STEPS:,} steps with this event's values")


def filling(values: Values) -> Filling:
    """The values with a budget: their own where they have one already."""
    return values if isinstance(values, Filling) else Filling(values)
