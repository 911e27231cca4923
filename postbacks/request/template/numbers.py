"""Numbers in templates: exact decimals, rounded half to even, written without exponent."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

MOST_DECIMALS: Final = 12  # Beyond any currency or coordinate.

# Bounded, so that no value can ask for a million digits: what is longer is text, not a quantity.
_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?").fullmatch
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)


def plain_number(value: str) -> Decimal | None:
    """The number that a value is in plain digits (`-12.50`), or None: no exponent, no thousands separator."""
    return Decimal(value) if _PLAIN(value) else None


def whole_units(number: Decimal, decimals: int) -> str:
    """The number in whole units of its last decimal, of which it has so many: 1234.50 with two of them is 123450."""
    units = number.scaleb(decimals, context=_EXACT).quantize(Decimal(1), context=_EXACT)
    return f"{units or Decimal(0):f}"


def number_writer(decimals: int | None, point: str, thousands: str) -> Callable[[str], str]:
    """Return what writes a value with so many decimals (None: as many as it has) and these separators.

    What is not a number gives an empty text.
    """
    step = None if decimals is None else Decimal(1).scaleb(-decimals)

    def write(value: str) -> str:
        number = plain_number(value)
        if number is None:
            return ""
        if step is not None:
            number = number.quantize(step, context=_EXACT)
        text = f"{abs(number) if number == 0 else number:,f}"
        return text.replace(",", "\0").replace(".", point).replace("\0", thousands)

    return write
