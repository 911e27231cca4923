"""Reads single values of a report: text, ids, numbers, money, dates. Pure.

Every reader takes the field's name, for its message, and the value as it came: text from forms and CSV, text or a
number from JSON. It returns the value in its own type or raises `Rejected` with the field, the value and what is
expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import orjson

from actions.reports.dates import MOST_HOURS_OF_OFFSET, OffsetTooLargeError, read_moment
from actions.reports.parameters import ParameterType
from actions.reports.rejected import Rejected, malformed
from partners.ids import MAX_ID

MAX_TEXT = 255  # The length of the columns that hold text, and the documented limit of most fields.
MAX_QUANTITY = 1_000_000_000  # Above any order, below the column's limit of 2,147,483,647.
# Above any order. A thousand items of it, the most that a report may hold, still fit the columns' 16 digits.
MAX_MONEY = Decimal(10**10)
MAX_NUMBER_DIGITS = 30  # More than any measurement needs; keeps 1e999999 from being written out.
MAX_NAME = 100  # Of a field; the documented ones have 24 at most.
MAX_SHOWN = 60  # Of a wrong value, in its message.
# Outside of this a date is a mistake, such as milliseconds taken for seconds; also keeps date arithmetic in range.
FIRST_YEAR, LAST_YEAR = 2000, 2100
_NO_OFFSET = timedelta()
_ZERO = Decimal(0)

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
WHOLE = re.compile(r"\d+", re.ASCII)
CODE = re.compile(r"[A-Z]{3}", re.ASCII)
LIST_SEPARATORS = re.compile(r"[\s,;|]+")


def shown(value: object) -> str:
    """The value as a message quotes it, cut short."""
    text = str(value)
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def too_long(name: str) -> Rejected:
    """The refusal of a field's name."""
    shortened = f"{name[:MAX_NAME]}…"
    return malformed(shortened, f"a field's name has at most {MAX_NAME} characters.")


def read_text(field: str, value: object, limit: int = MAX_TEXT) -> str:
    """Text as it was reported, at most `limit` characters. Numbers and true/false of JSON are written out."""
    if isinstance(value, str):
        # As most. Half a surrogate pair and NUL are not printable.
        if len(value) <= limit and value.isprintable():
            return value
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (int, float, Decimal)):
        text = str(value)
    else:
        raise malformed(field, "a single value is expected, not a list or an object.")
    check_characters(field, text)
    if len(text) > limit:
        raise malformed(field, f"{len(text)} characters; at most {limit} are allowed.")
    return text


def check_characters(field: str, text: str) -> None:
    """Refuse what neither PostgreSQL nor UTF-8 can hold."""
    if "\0" in text:
        raise malformed(field, "it holds a NUL character (U+0000), which cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise malformed(field, f"it holds half a surrogate pair (U+{code:04X}), which is no character.") from None


def read_id(field: str, value: object) -> int:
    if type(value) is int and 0 < value <= MAX_ID:
        return value
    text = read_text(field, value).strip()
    if not WHOLE.fullmatch(text) or not 0 < int(text) <= MAX_ID:
        raise malformed(field, f"{shown(text)} is not an id; a whole number above 0 is expected.")
    return int(text)


def read_ids(field: str, value: object) -> tuple[int, ...]:
    """Ids in a list, or in text with commas, semicolons, bars or spaces between them; repeats are dropped."""
    parts = value if isinstance(value, (list, tuple)) else LIST_SEPARATORS.split(read_text(field, value).strip())
    if len(parts) > 100:
        raise malformed(field, f"{len(parts)} ids; at most 100 are allowed.")
    return tuple(dict.fromkeys(read_id(field, part) for part in parts if part != ""))


def read_number(field: str, value: object) -> Decimal:
    if type(value) is str and len(value) <= MAX_NUMBER_DIGITS and NUMBER.fullmatch(value):
        return Decimal(value)  # As most.
    text = read_text(field, value).strip()
    if isinstance(value, (float, Decimal)):
        # JSON may write 1E+2; plain digits are what everything after this expects.
        number = Decimal(text)
        plain = number.is_finite() and abs(number.adjusted()) < MAX_NUMBER_DIGITS
        text = f"{number:f}" if plain else text
    if not NUMBER.fullmatch(text) or len(text) > MAX_NUMBER_DIGITS:
        raise malformed(
            field, f"{shown(text)} is not a number; digits and a decimal point, such as 12.50, are expected."
        )
    return Decimal(text)


def read_money(field: str, value: object) -> Decimal:
    """An amount of either sign, exact: what it is rounded to is known once its currency is."""
    number = read_number(field, value)
    if abs(number) >= MAX_MONEY:
        raise malformed(field, f"{shown(number)} is too large; less than {MAX_MONEY:,} is expected.")
    return number


ROUNDED = "{} has more than {} decimals and is rounded; a point is read as the decimal point."
# Sums of floating-point numbers end in such remainders; nobody has written them.
_NOISE = Decimal("1e-6")


def is_finer(amount: Decimal, decimals: int) -> bool:
    """Whether an amount has more decimals than so many, such as 1.234, which some write for 1,234."""
    return abs(amount - round(amount, decimals)) > _NOISE


def read_amount(field: str, value: object) -> Decimal:
    """An amount, exact, zero or more."""
    amount = read_number(field, value)
    if _ZERO <= amount < MAX_MONEY:
        return amount  # As most.
    amount = read_money(field, value)
    if amount < 0:
        raise malformed(field, f"{shown(amount)} is negative; 0 or more is expected.")
    return amount


def read_rate(field: str, value: object) -> Decimal:
    """A percentage from 0 to 100, with or without its sign."""
    text = read_text(field, value).strip()
    rate = read_number(field, text.removesuffix("%").rstrip() if text.endswith("%") else value)
    if not 0 <= rate <= 100:
        raise malformed(field, f"{shown(rate)} is not a percentage from 0 to 100.")
    return rate


def read_quantity(field: str, value: object) -> int:
    quantity = read_quantity_delta(field, value)
    if quantity < 0:
        raise malformed(field, f"{quantity} is negative; 0 or more is expected.")
    return quantity


def read_quantity_delta(field: str, value: object) -> int:
    if type(value) is int and abs(value) <= MAX_QUANTITY:
        return value
    number = read_number(field, value)
    if number != number.to_integral_value() or abs(number) > MAX_QUANTITY:
        raise malformed(field, f"{shown(number)} is not a quantity; a whole number is expected.")
    return int(number)


def read_currency(field: str, value: object) -> str:
    if type(value) is str and len(value) == 3 and value.isalpha() and value.isascii() and value.isupper():
        return value  # As most.
    text = read_text(field, value).strip().upper()
    if not CODE.fullmatch(text):
        raise malformed(field, f"{shown(text)} is not a currency; three letters, such as USD, are expected.")
    return text


def read_date(field: str, value: object, now: Callable[[], datetime] | None = None) -> datetime:
    """A moment with its UTC offset, from ISO 8601 or, where `now` tells the time, the word NOW.

    Without an offset it is taken as UTC, without a time as midnight.
    """
    text = read_text(field, value).strip()
    if now is not None and text.upper() == "NOW":
        return now()
    try:
        date = read_moment(text)
    except OffsetTooLargeError:
        raise malformed(
            field,
            f"{shown(text)} has a UTC offset of more than {MOST_HOURS_OF_OFFSET} hours; "
            f"-{MOST_HOURS_OF_OFFSET}:00 to +{MOST_HOURS_OF_OFFSET}:00 is expected.",
        ) from None
    except (ValueError, OverflowError):
        raise malformed(
            field, f"{shown(text)} is not a date; ISO 8601, such as 2026-11-20T10:42:38-07:00, is expected."
        ) from None
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise malformed(field, f"{shown(text)} is not between the years {FIRST_YEAR} and {LAST_YEAR}.")
    offset = date.utcoffset() or _NO_OFFSET
    if offset.seconds % 60 or offset.microseconds:
        raise malformed(field, f"{shown(text)} has a UTC offset that is not in whole minutes.")
    return date


def write_date(date: datetime) -> str:
    """ISO 8601 with the date's own offset, whole seconds."""
    # `isoformat` takes three times as long.
    return orjson.dumps(date, option=orjson.OPT_OMIT_MICROSECONDS)[1:-1].decode()


def _written_number(field: str, value: object) -> str:
    return f"{read_number(field, value):f}"


def _written_money(field: str, value: object) -> str:
    return f"{read_money(field, value):f}"


def _written_date(field: str, value: object) -> str:
    return write_date(read_date(field, value))


AS_RENDERED: Final[Mapping[ParameterType, Callable[[str, object], str]]] = {
    ParameterType.NUMBER: _written_number,
    ParameterType.MONEY: _written_money,
    ParameterType.DATE: _written_date,
}
"""Readers of values that are kept as they render; all others are text."""
