"""Which published rates are taken and which are held until an operator has looked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from partners.published_rates.document import Sheet, shown

# As the column has it: no sign, no exponent, no comma.
_NUMBER: Final = re.compile(r"\d{1,10}(\.\d{1,8})?", re.ASCII)


class Known(NamedTuple):
    """A rate that is in force, and its day."""

    day: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Odd:
    """A rate that is not taken. `rate` is None if it is not a number that could be."""

    currency: str
    published: str
    rate: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a day brings: `taken` is new, `missing` had a rate on the day before and has none."""

    day: date
    taken: Mapping[str, Decimal]
    odd: list[Odd]
    missing: list[str]
    first: list[str]  # Currencies that had no rate before.


def judge(sheet: Sheet, before: Mapping[str, Known], stored: Mapping[str, Decimal], most_percent: int) -> Judged:
    """`before` are the latest rates of earlier days, `stored` those of the same day. None of them changes by itself."""
    taken: dict[str, Decimal] = {}
    odd: list[Odd] = []
    for currency, text in sheet.quotes.items():
        rate = _rate(text)
        reason = _why_not(text, rate, before.get(currency), stored.get(currency), most_percent)
        if reason:
            odd.append(Odd(currency, text[:40], rate, reason))
        elif rate is not None and currency not in stored:
            taken[currency] = rate
    latest = max((known.day for known in before.values()), default=None)
    missing = sorted(
        currency for currency, known in before.items() if known.day == latest and currency not in sheet.quotes
    )
    first = sorted(taken.keys() - before.keys()) if before else []
    return Judged(sheet.day, taken, odd, missing, first)


def _rate(text: str) -> Decimal | None:
    return (Decimal(text) or None) if _NUMBER.fullmatch(text) else None


def _why_not(text: str, rate: Decimal | None, before: Known | None, same: Decimal | None, most_percent: int) -> str:
    if rate is None:
        return f"{shown(text)} is not a number above 0 with at most 8 decimals."
    if same is not None:
        return "" if same == rate else f"For this day, {same.normalize():f} has been published before."
    if before is None:
        return ""
    change = max(Fraction(rate) / Fraction(before.rate), Fraction(before.rate) / Fraction(rate)) - 1
    if change * 100 <= most_percent:
        return ""
    return (
        f"It differs by {float(change * 100):.3g} % from {before.rate.normalize():f} of {before.day}; "
        f"up to {most_percent} % are taken."
    )
