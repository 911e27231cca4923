"""What the rules of a postback may take to judge one answer, all lines together.

An operator writes the rules and a stranger the answer, and the two together can be made to take minutes and gigabytes.
Steps and bytes are counted: the same rules judge the same answer alike on every machine. A regular expression cannot be
counted, so a clock guards it; what the clock cuts off is judged again later, because another machine, or this one in a
quieter moment, may well come to its end.
"""

from __future__ import annotations

from typing import Final

# Steps of JSON expressions, values that they make or look at, and hundreds of characters that any rule reads. 64 KiB
# of JSON hold some 30,000 values, and an expression looks at each a few times.
MOST_STEPS: Final = 250_000
CHARACTERS_A_STEP: Final = 100
MOST_SECONDS: Final = 0.2  # Of all regular expressions. Ordinary ones take microseconds.


class TooMuchEffortError(Exception):
    """The rules have taken all steps before they had judged an answer."""


class TooSlowError(Exception):
    """A regular expression was cut off by the clock, which says nothing about the answer."""


class Effort:
    """What is left for judging one answer."""

    __slots__ = ("seconds", "steps")

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.seconds = MOST_SECONDS

    def spend(self, steps: int) -> None:
        """Raises TooMuchEffortError where so many steps are not left."""
        self.steps -= steps
        if self.steps < 0:
            raise TooMuchEffortError

    def read(self, text: str) -> None:
        """Spends what reading a text takes. Raises TooMuchEffortError."""
        self.spend(1 + len(text) // CHARACTERS_A_STEP)
