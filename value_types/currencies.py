"""Currencies, and into how many decimals each is divided."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from iso4217 import Currency

USUAL: Final = 2
"""The decimals of a currency that the standard does not list, or lists without any, such as gold."""

# Withdrawn currencies that had no cents any more. The standard's table holds only those that are in use.
_WITHDRAWN: Final = dict.fromkeys(("ADP", "BEF", "BYR", "ESP", "GRD", "ITL", "LUF", "MGF", "PTE", "TPE", "TRL"), 0)

MINOR_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    _WITHDRAWN | {each.code: USUAL if each.exponent is None else each.exponent for each in Currency}
)
"""Decimals by currency code."""

_NO_MONEY: Final = {"XXX", "XTS"}  # "No currency", and a code for tests.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        each.code: str(each.currency_name)
        for each in sorted(Currency, key=attrgetter("code"))
        if each.code not in _NO_MONEY
    }
)
"""The names of the standard's currencies by their codes, in order."""

MOST_DECIMALS: Final = max(MINOR_UNITS.values())

_STEPS: Final = tuple(Decimal(1).scaleb(-decimals) for decimals in range(MOST_DECIMALS + 1))


def minor_units(currency: str) -> int:
    """How many decimals amounts of `currency` have: 2 of USD, 0 of JPY, 3 of KWD."""
    return MINOR_UNITS.get(currency, USUAL)


def smallest_unit(currency: str) -> Decimal:
    """What amounts of `currency` are rounded to: 0.01 of USD, 1 of JPY, 0.001 of KWD."""
    return _STEPS[minor_units(currency)]
