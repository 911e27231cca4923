"""Exchange rates from a CSV file with the columns `date,from,to,rate`. All of it is taken, or nothing.

They count as typed: those of the European Central Bank stay beside them as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from partners.models import ExchangeRate

COLUMNS = ["date", "from", "to", "rate"]
MAX_MISTAKES = 20  # Enough to see what is wrong with a file.
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)

Key = tuple[str, str, date]


class UnreadableRatesError(Exception):
    """The file cannot be taken; `mistakes` says of each line at fault what is wrong with it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Taken:
    """How many rates are new, have another value than before, and were there already."""

    added: int
    changed: int
    unchanged: int


def read_rates(lines: Iterable[str]) -> list[ExchangeRate]:
    """The rates in the file, not saved yet.

    Raises:
        UnreadableRatesError: with up to `MAX_MISTAKES` mistakes and their lines.
    """
    rows = csv.reader(lines, strict=True)
    rates: dict[Key, ExchangeRate] = {}
    mistakes: list[str] = []
    try:
        names = [name.strip().lower().removeprefix("\ufeff") for name in next(rows, [])]
        if names != COLUMNS:
            raise UnreadableRatesError([f"Line 1: the columns must be {','.join(COLUMNS)}, in this order."])
        for cells in rows:
            if not any(cells):
                continue
            try:
                rate = _rate([cell.strip() for cell in cells])
                if rates.setdefault(key(rate), rate).rate != rate.rate:
                    raise ValueError("the pair has another rate on that day in a line above.")  # noqa: TRY301 -- one place adds the line
            except ValueError as error:
                mistakes.append(f"Line {rows.line_num}: {error}")
                if len(mistakes) == MAX_MISTAKES:
                    break
    except csv.Error as error:
        mistakes.append(f"Line {rows.line_num}: not CSV: {error}.")
    if mistakes:
        raise UnreadableRatesError(mistakes)
    return list(rates.values())


def take_rates(rates: list[ExchangeRate]) -> Taken:
    """Save them in one transaction; a pair's rate of a day that is known already is replaced."""
    with transaction.atomic():
        days = {rate.date for rate in rates}
        known_then = ExchangeRate.objects.filter(date__in=days, source=ExchangeRate.Source.HAND)
        known = {key(rate): rate for rate in known_then.select_for_update()}
        new = [rate for rate in rates if key(rate) not in known]
        changed = [rate for rate in rates if key(rate) in known and known[key(rate)].rate != rate.rate]
        for rate in changed:
            rate.pk = known[key(rate)].pk
        ExchangeRate.objects.bulk_create(new)
        ExchangeRate.objects.bulk_update(changed, ["rate"])
    return Taken(len(new), len(changed), len(rates) - len(new) - len(changed))


def key(rate: ExchangeRate) -> Key:
    return (rate.from_currency, rate.to_currency, rate.date)


def _rate(cells: list[str]) -> ExchangeRate:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells; {len(COLUMNS)} are expected: {','.join(COLUMNS)}.")
    day, source, target, number = cells
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"date: {day!r} is no day; expected is one such as 2026-11-20.") from None
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"rate: {number!r} is no number; expected is one such as 1.0850.")
    rate = ExchangeRate(date=on, from_currency=source, to_currency=target, rate=Decimal(number))
    # As the table's constraints have it; asking the database for each line would take long.
    if not rate.rate:
        raise ValueError("rate: A rate is above 0.")
    if source == target:
        raise ValueError("A rate needs two different currencies.")
    try:
        rate.clean_fields()
    except ValidationError as error:
        raise ValueError(" ".join(_sentences(error))) from None
    return rate


def _sentences(error: ValidationError) -> list[str]:
    shown = {"from_currency": "from: ", "to_currency": "to: ", "rate": "rate: "}
    return [shown.get(name, "") + text for name, texts in error.message_dict.items() for text in texts]
