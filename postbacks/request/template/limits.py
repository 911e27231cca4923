"""The bounds of a template. They keep a slip, or a prank, from costing memory or time."""

from typing import Final

TEMPLATE_BYTES: Final = 8 * 1024  # Of UTF-8. No receiver takes URLs beyond this; bodies written by hand are smaller.
NESTING: Final = 16  # Calls inside calls. People stop at four; the parser recurses once for each.
DOCUMENTS: Final = 6  # Inside each other, as values. Receivers ask for two, and each layer doubles what it escapes.
DIGITS: Final = 6  # Of a whole number as an argument: no text is longer than it says.
JOINED_CHARACTERS: Final = 256 * 1024  # What a join, or a function of others, may grow to: no body is larger.
ERRORS_AT_ONCE: Final = 20  # Nobody reads on beyond that.
NAME_FOR_A_HINT: Final = 64  # Longer names resemble no valid one, and comparing them is slow.
