"""The functions of the template language, each with its signature: from it come parsing, messages and reference.

All work on text and return text. An empty value stays empty in the hashes too: the hash of nothing would look like
an identifier that all customers share.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from postbacks.template import dates, numbers
from postbacks.template.encoding import percent_encoded, utf8


class ArgumentKind(Enum):
    """How an argument is written. All but VALUE and CONDITION are fixed when the template is compiled."""

    VALUE = "a value"
    CONDITION = "a condition"
    STRING = "a string in quotes"
    WHOLE_NUMBER = "a whole number"
    LIST = "a list"
    LOOP_NAME = "a name"
    TEMPLATE = "a template in quotes"


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    kind: ArgumentKind = ArgumentKind.VALUE
    optional: bool = False


class BadArgumentError(ValueError):
    """A fixed argument that the function cannot use. `index` counts all arguments from 0."""

    def __init__(self, index: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.hint = hint


Apply = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name, arguments, one-line meaning and example.

    `bind` takes the fixed arguments (missing ones left out) and returns what turns the values into the result;
    it is None for the forms that the language itself defines. `repeats` lets the last two arguments come again,
    and an `otherwise` follow. The result is a number for JSON if the arguments at `numeric_like` all are
    (none to ask: always), and text if that is None.
    """

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    example: str
    bind: Callable[..., Apply] | None = None
    repeats: bool = False
    numeric_like: tuple[int, ...] | None = None

    @property
    def fewest(self) -> int:
        return sum(not argument.optional for argument in self.arguments)

    @property
    def most(self) -> int | None:
        """How many arguments it takes at most; None if there is no bound."""
        return None if self.repeats else len(self.arguments)

    def argument(self, index: int) -> Argument | None:
        """The argument at this place, counted from 0; None if there is none so far out."""
        if index < len(self.arguments):
            return self.arguments[index]
        return self.arguments[-1] if self.repeats else None

    @property
    def signature(self) -> str:
        """`truncate(value, length)`; optional arguments in brackets."""
        names = ", ".join(f"[{each.name}]" if each.optional else each.name for each in self.arguments)
        return f"{self.name}({names}{', …' if self.repeats else ''})"


def _simple(name: str, apply: Callable[[str], str], summary: str, example: str) -> Function:
    return Function(name, (Argument("value"),), summary, example, bind=lambda: apply)


def _hash(name: str, summary: str) -> Function:
    def apply(value: str) -> str:
        return hashlib.new(name, utf8(value), usedforsecurity=False).hexdigest() if value else ""

    return _simple(name, apply, summary, f"{{{name}(lower(Text1))}}")


def _bind_truncate(length: str) -> Apply:
    count = int(length)
    return lambda value: value[:count]


def _bind_date(pattern: str, zone_name: str | None = None) -> Apply:
    unknown = dates.unknown_codes(pattern)
    if unknown:
        raise BadArgumentError(1, f"Unknown date code {unknown[0]}", f"Known are {' '.join(dates.CODES)}")
    zone = None if zone_name is None else dates.zone(zone_name)
    if zone_name is not None and zone is None:
        raise BadArgumentError(2, f'Unknown time zone "{zone_name}"', "Zones are named as UTC or America/New_York.")
    return dates.formatter(pattern, zone)


def _bind_number(decimals: str | None = None, point: str = ".", thousands: str = "") -> Apply:
    count = None if decimals is None else int(decimals)
    if count is not None and count > numbers.MOST_DECIMALS:
        raise BadArgumentError(1, f"More than {numbers.MOST_DECIMALS} decimals asked for")
    return numbers.number_writer(count, point, thousands)


def _map(value: str, *pairs: str) -> str:
    for index in range(0, len(pairs) - 1, 2):
        if pairs[index] == value:
            return pairs[index + 1]
    return pairs[-1] if len(pairs) % 2 else ""


_STRING, _WHOLE = ArgumentKind.STRING, ArgumentKind.WHOLE_NUMBER

_ALL = (
    _simple("upper", str.upper, "In upper case", "{upper(Currency)}"),
    _simple("lower", str.lower, "In lower case", "{lower(Status)}"),
    _simple("trim", str.strip, "Without white space at both ends", "{trim(Note)}"),
    Function(
        "truncate",
        (Argument("value"), Argument("length", _WHOLE)),
        "The first characters",
        "{truncate(Note, 20)}",
        bind=_bind_truncate,
    ),
    _hash("md5", "MD5 of the value's UTF-8, in lower-case hexadecimal digits; empty stays empty"),
    _hash("sha1", "SHA-1, likewise"),
    _hash("sha256", "SHA-256, likewise"),
    _simple(
        "base64", lambda value: base64.b64encode(utf8(value)).decode(), "Base64 of the value's UTF-8", "{base64(Oid)}"
    ),
    _simple(
        "urlencode",
        percent_encoded,
        "Percent-encoded, before the encoding that its place asks for",
        "{urlencode(LandingPageUrl)}",
    ),
    Function(
        "date",
        (Argument("value"), Argument("format", _STRING), Argument("zone", _STRING, optional=True)),
        "A date in another format and time zone; what is no date gives nothing",
        '{date(EventDate, "%Y-%m-%d", "America/New_York")}',
        bind=_bind_date,
    ),
    Function(
        "number",
        (
            Argument("value"),
            Argument("decimals", _WHOLE, optional=True),
            Argument("point", _STRING, optional=True),
            Argument("thousands", _STRING, optional=True),
        ),
        "A number, rounded half to even; what is no number gives nothing",
        '{number(Amount, 2, ",", ".")}',
        bind=_bind_number,
        numeric_like=(),
    ),
    Function(
        "default",
        (Argument("value"), Argument("fallback")),
        "The value, or the fallback where it is empty",
        '{default(SharedId, "none")}',
        bind=lambda: lambda value, fallback: value or fallback,
        numeric_like=(0,),
    ),
    Function(
        "map",
        (Argument("value"), Argument("from"), Argument("to")),
        "Another value for each listed one; a last single argument for all others, which else give nothing",
        '{map(Status, "PENDING", "1", "APPROVED", "2", "0")}',
        bind=lambda: _map,
        repeats=True,
    ),
    Function(
        "if",
        (
            Argument("condition", ArgumentKind.CONDITION),
            Argument("then"),
            Argument("otherwise", optional=True),
        ),
        "One of two values; conditions are == != < > contains, and empty after a value",
        '{if(CustomerStatus == "NEW", "1", "0")}',
        numeric_like=(1, 2),
    ),
    Function(
        "join",
        (
            Argument("list", ArgumentKind.LIST),
            Argument("loop name", ArgumentKind.LOOP_NAME),
            Argument("item template", ArgumentKind.TEMPLATE),
            Argument("separator", _STRING, optional=True),
            Argument("prefix", _STRING, optional=True),
        ),
        "The template once for each item, the separator between them, the prefix before them; nothing without items",
        '{join(items, i, "sku{i}={i.sku}", "&", "?")}',
    ),
    Function("raw", (Argument("value"),), "The value as it is, without encoding; not in headers", "{raw(Text1)}"),
    Function("text", (Argument("text", _STRING),), "The text as it stands, braces included", '{text("{Payout}")}'),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({each.name: each for each in _ALL})
"""All functions by name."""
