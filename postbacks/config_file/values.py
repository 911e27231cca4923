"""How each type of value is written in the file: `read_…` takes a node and returns the value, or raises ValueError with
what to write instead; `write_…` returns what goes into YAML, so that reading it gives the same value."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from actions.reports.parameters import PARAMETERS
from partners.models import ContractTerm
from postbacks.config_file.document import Mapping, Node, Scalar, Sequence
from postbacks.config_file.problems import did_you_mean
from postbacks.credentials.asking.typed import typed_secret
from postbacks.credentials.secrets.headers import Typed, typed_header
from postbacks.durations import format_duration, parse_duration
from value_types.secret_text import MASK, SecretText


class Unreadable(ValueError):  # noqa: N818 -- named for what is wrong with the value; it is one line of a list
    """A value that its key does not accept; the text says what to write."""


MAX_ID = 2**62  # Leaves the database's counter room above the highest id.

_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def read_text(node: Node) -> str:
    """A string as written; numbers, dates and words such as `no` are strings too."""
    if not isinstance(node, Scalar):
        raise Unreadable("This must be a single value.")
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
        raise Unreadable(f"{number} is not an id. Write a whole number from 1 up.")
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
    """The number without trailing zeros, but with at least two decimals."""
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
    """A reader for one of `choices`, in any case."""
    by_lower = {choice.lower(): choice for choice in choices}

    def read(node: Node) -> str:
        text = read_text(node)
        if text.lower() not in by_lower:
            raise Unreadable(f'"{text}" is not allowed. Choose from {", ".join(by_lower.values())}.')
        return by_lower[text.lower()]

    return read


def read_parameter_names(node: Node) -> list[str]:
    names = [read_text(item) for item in _items(node)]
    unknown = [f"Unknown parameter {name}. {_near(name)}" for name in names if name not in PARAMETERS]
    if unknown:
        raise Unreadable(" ".join(unknown))
    return list(dict.fromkeys(names))


def read_pairs(node: Node) -> list[list[str]]:
    """Ordered [name, template] pairs from a mapping of names to templates, or from a list of such mappings, in which a
    name can come twice."""
    pairs: list[list[str]] = []
    for mapping in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(mapping, Mapping):
            raise Unreadable("This must be a mapping of names to templates. Put a body of another shape in body_raw.")
        for key, value in mapping.items.items():
            if not isinstance(value, Scalar):
                raise Unreadable(f"The value of {key} must be one template. Put a nested body in body_raw.")
            pairs.append([key, value.text])
    return pairs


def write_pairs(pairs: list[list[str]]) -> dict[str, str] | list[dict[str, str]]:
    by_name: dict[str, str] = dict(pairs)
    return by_name if len(by_name) == len(pairs) else [{name: template} for name, template in pairs]


_CONDITION_KEYS = ("parameter", "operator", "value", "values", "items")


def read_conditions(node: Node) -> list[dict[str, Any]]:
    """A list of mappings with `parameter`, `operator`, and `value` or a list of `values`, in the shape that a postback
    stores; what they say is checked with the postback."""
    return [_condition(number, item) for number, item in enumerate(_items(node), 1)]


def _condition(number: int, node: Node) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise Unreadable(f"Condition {number} must be a mapping with the keys {', '.join(_CONDITION_KEYS)}.")
    for key in node.items:
        if key not in _CONDITION_KEYS:
            hint = did_you_mean(key, _CONDITION_KEYS)
            raise Unreadable(f"Condition {number}: Unknown key {key}. {hint}".rstrip())
    if "value" in node.items and "values" in node.items:
        raise Unreadable(f"Condition {number}: Give either value or values.")
    given = {key: item for key, item in node.items.items() if not (isinstance(item, Scalar) and item.is_null)}
    listed = given.pop("values", None)
    single = given.pop("value", None)
    stored: dict[str, Any] = {key: read_text(item) for key, item in given.items()}
    stored["values"] = [read_text(item) for item in _items(listed)] if listed else []
    return stored if single is None else {**stored, "values": [read_text(single)]}


def write_conditions(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_written_condition(each) for each in conditions]


def _written_condition(stored: dict[str, Any]) -> dict[str, Any]:
    values = stored["values"]
    given = {"value": values[0]} if len(values) == 1 else {"values": list(values)} if values else {}
    items = {"items": stored["items"]} if stored.get("items") else {}
    return {"parameter": stored["parameter"], "operator": stored["operator"], **given, **items}


class MaskedSecret(str):
    """A secret as a file shows it: the mask, or nothing. Two are equal if the stored values are the same."""

    __slots__ = ("_stored",)
    _stored: str

    def __new__(cls, stored: str) -> "MaskedSecret":
        made = super().__new__(cls, MASK if stored else "")
        made._stored = stored
        return made

    def __eq__(self, other: object) -> bool:
        return self._stored == other._stored if isinstance(other, MaskedSecret) else str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def read_secret(name: str) -> Callable[[Node], SecretText | None]:
    """A reader of the secret field `name`; the mask stands for the value that the database holds."""
    return lambda node: typed_secret(name, read_text(node))


class MaskedHeaders(dict[str, str]):
    """Secret headers as a file shows them: names with masks. Two are equal if the stored values are the same."""

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
        raise Unreadable(f"The value of {name} must be a single value.")
    try:
        return typed_header(name, value.text.strip())
    except ValueError as error:
        raise Unreadable(str(error)) from error


def unchanged(value: Any) -> Any:
    """Returns what YAML can show as it is: strings, numbers, dates, flags, lists of strings."""
    return value


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _items(node: Node) -> list[Node]:
    if not isinstance(node, Sequence):
        raise Unreadable("This must be a list.")
    return node.items


def _near(name: str) -> str:
    hint = did_you_mean(name, PARAMETERS)
    return hint if hint.startswith("Did you") else "Parameter names are case-sensitive."
