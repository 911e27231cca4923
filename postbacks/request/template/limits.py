"""The bounds of a template. They keep a slip, or a prank, from costing memory or time."""

from typing import Final

TEMPLATE_BYTES: Final = 8 * 1024  # Of UTF-8. No receiver takes URLs beyond this; bodies written by hand are smaller.
NESTING: Final = 16  # Calls inside calls. People stop at four; the parser recurses once for each.
DOCUMENTS: Final = 6  # Inside each other, as values. Receivers ask for two, and each layer doubles what it escapes.
DIGITS: Final = 6  # Of a whole number as an argument: no text is longer than it says.
JOINED_CHARACTERS: Final = 256 * 1024  # What a join, or a function of others, may grow to: no body is larger.
REQUEST_BYTES: Final = 64 * 1024  # Of all templates of a request: compiling so many takes half a second.
# Of writing one request: a value or an item is a step, a function another, and so are each 64 characters that are made.
# An order of 1,000 items may take a hundred for each item; beyond that a worker would be busy for tenths of a second.
STEPS: Final = 100_000
CHARACTERS_A_STEP: Final = 64
ERRORS_AT_ONCE: Final = 20  # Nobody reads on beyond that.
NAME_FOR_A_HINT: Final = 64  # Longer names resemble no valid one, and comparing them is slow.
