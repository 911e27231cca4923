"""How each sort of value is written in the file: `read_…` takes a node and returns the value or raises ValueError with
what to write instead; `write_…` returns what YAML is to show, so that reading it gives the same value again."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from actions.reports.parameters import PARAMETERS
from partners.models import ContractTerm
from postbacks.config_file.document import Mapping, Node, Scalar, Sequence
from postbacks.config_file.problems import did_you_mean
from postbacks.credentials.secrets.headers import Typed, typed_header
from postbacks.durations import format_duration, parse_duration
from value_types.secret_text import MASK


class Unreadable(ValueError):  # noqa: N818 -- named for what became of the value; it is one line of a list
    """A value that is not of the sort that its key takes; the text says what to write."""


MAX_ID = 2**62  # Leaves the database's counter room to go on after the highest id.

_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def read_text(node: Node) -> str:
    """A text as written; numbers, dates and words such as `no` are texts too."""
    if not isinstance(node, Scalar):
        raise Unreadable("This must be a single text.")
    return node.text


def read_flag(node: Node) -> bool:
    boolean = node.boolean if isinstance(node, Scalar) else None
    if boolean is None:
        raise Unreadable("This must be true or false.")
    return boolean


def read_whole_number(node: Node) -> int:
    text = read_text(node)
    if not _WHOLE.fullmatch(text):
        raise Unreadable(f'"{text}" is not a whole number.')
    return int(text)


def read_id(node: Node) -> int:
    number = read_whole_number(node)
    if not 1 <= number <= MAX_ID:
        raise Unreadable(f"{number} is not an id: ids are whole numbers from 1 up.")
    return number


def read_date(node: Node) -> date:
    text = read_text(node)
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise Unreadable(f'"{text}" is not a date. Write year-month-day, such as 2026-01-31.') from problem


def read_decimal(node: Node) -> Decimal:
    text = read_text(node)
    number = _decimal(text)
    if number is None:
        raise Unreadable(f'"{text}" is not a number. Write it with a dot, such as 2.50.')
    return number


def write_decimal(number: Decimal) -> str:
    """The number without zeros at its end, but with the two decimals of money."""
    plain = f"{number.normalize():f}"
    decimals = len(plain.partition(".")[2])
    return plain if decimals >= 2 else f"{number:.2f}"


def read_payout(node: Node) -> tuple[str, Decimal]:
    """`8%` of the amount, or `2.50` flat: the type and the figure."""
    text = read_text(node).strip()
    kind = ContractTerm.PayoutType.PERCENTAGE if text.endswith("%") else ContractTerm.PayoutType.FLAT
    figure = _decimal(text.removesuffix("%").strip())
    if figure is None:
        raise Unreadable(f'"{text}" is not a payout. Write a percentage such as "8%", or an amount such as "2.50".')
    return kind, figure


def write_payout(kind: str, figure: Decimal) -> str:
    return ContractTerm(payout_type=kind, payout=figure).payout_display


def read_duration(node: Node) -> int:
    return parse_duration(read_text(node))


def write_duration(seconds: int) -> str | int:
    text = format_duration(seconds)
    return int(text) if text.isdigit() else text


def read_choice(choices: Iterable[str]) -> Callable[[Node], str]:
    """A reader of one of the texts in `choices`; upper and lower case do not count."""
    by_lower = {choice.lower(): choice for choice in choices}

    def read(node: Node) -> str:
        text = read_text(node)
        if text.lower() not in by_lower:
            raise Unreadable(f'"{text}" is none of {", ".join(by_lower.values())}.')
        return by_lower[text.lower()]

    return read


def read_parameter_names(node: Node) -> list[str]:
    names = [read_text(item) for item in _items(node)]
    unknown = [f"There is no parameter {name}. {_near(name)}" for name in names if name not in PARAMETERS]
    if unknown:
        raise Unreadable(" ".join(unknown))
    return list(dict.fromkeys(names))


def read_pairs(node: Node) -> list[list[str]]:
    """A mapping of names to templates, or a list of such mappings (so that a name can come twice), as ordered
    [name, template] pairs."""
    pairs: list[list[str]] = []
    for mapping in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(mapping, Mapping):
            raise Unreadable("This must be a mapping of names to templates. A body of another shape goes in body_raw.")
        for key, value in mapping.items.items():
            if not isinstance(value, Scalar):
                raise Unreadable(f"The value of {key} must be one template. A nested body goes in body_raw.")
            pairs.append([key, value.text])
    return pairs


def write_pairs(pairs: list[list[str]]) -> dict[str, str] | list[dict[str, str]]:
    by_name: dict[str, str] = dict(pairs)
    return by_name if len(by_name) == len(pairs) else [{name: template} for name, template in pairs]


class MaskedHeaders(dict[str, str]):
    """Secret headers as a file shows them: by name, masked. Two are equal if the same values are stored."""

    def __init__(self, stored: list[list[str]]) -> None:
        super().__init__((name, MASK) for name, _token in stored)
        self._stored = stored

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MaskedHeaders) and self._stored == other._stored

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # As of every dict.


def read_secret_headers(node: Node) -> list[Typed]:
    """A mapping of names to values; the mask stands for the value that the database holds."""
    if not isinstance(node, Mapping):
        raise Unreadable("This must be a mapping of header names to values.")
    return [_secret_header(name, value) for name, value in node.items.items()]


def _secret_header(name: str, value: Node) -> Typed:
    if not isinstance(value, Scalar):
        raise Unreadable(f"The value of {name} must be a single text.")
    try:
        return typed_header(name, value.text.strip())
    except ValueError as error:
        raise Unreadable(str(error)) from error


def unchanged(value: Any) -> Any:
    """What YAML can show as it is: texts, numbers, dates, flags, lists of texts."""
    return value


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _items(node: Node) -> list[Node]:
    if not isinstance(node, Sequence):
        raise Unreadable("This must be a list.")
    return node.items


def _near(name: str) -> str:
    hint = did_you_mean(name, PARAMETERS)
    return hint if hint.startswith("Did you") else "Parameter names are exact; upper and lower case count."
