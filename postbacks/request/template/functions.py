"""The functions of the template language, each with its signature: from it come parsing, messages and reference.

All work on text and return text. An empty value stays empty in the hashes too: the hash of nothing would look like
an identifier that all customers share.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from actions.reports import identifiers
from postbacks.request.template import dates, numbers
from postbacks.request.template.encoding import json_text, percent_encoded, utf8, xml_attribute
from postbacks.request.template.signatures import Apply, Argument, ArgumentKind, BadArgumentError, Function
from postbacks.request.template.terminal import quoted, shown
from value_types.currencies import minor_units


def _simple(name: str, apply: Callable[[str], str], summary: str, example: str) -> Function:
    return Function(name, (Argument("value"),), summary, example, bind=lambda: apply)


def _hash(name: str, label: str) -> Function:
    summary = f"{label} of the value's UTF-8, in lower-case hexadecimal digits. Empty stays empty."

    def apply(value: str) -> str:
        return hashlib.new(name, utf8(value), usedforsecurity=False).hexdigest() if value else ""

    return _simple(name, apply, summary, f"{{{name}(lower(Text1))}}")


def _bind_truncate(length: str) -> Apply:
    count = int(length)
    return lambda value: value[:count]


def _bind_date(pattern: str, zone_name: str | None = None) -> Apply:
    unknown = dates.unknown_code(pattern)
    if unknown:
        code, position = unknown
        raise BadArgumentError(1, f"Unknown date code {shown(code)}", f"Known are {' '.join(dates.CODES)}", position)
    if not dates.holds_a_code(pattern):
        raise BadArgumentError(1, "A date format without any code", "A code begins with %, as in %Y-%m-%d.")
    zone = None if zone_name is None else dates.zone(zone_name)
    if zone_name is not None and zone is None:
        near = dates.zone_like(zone_name)
        hint = f'Did you mean "{near}"?' if near else "Zones are named as UTC or America/New_York."
        raise BadArgumentError(2, f"Unknown time zone {quoted(zone_name)}", hint)
    return dates.formatter(pattern, zone)


def _bind_number(decimals: str | None = None, point: str = ".", thousands: str = "") -> Apply:
    count = None if decimals is None else int(decimals)
    if count is not None and count > numbers.MOST_DECIMALS:
        raise BadArgumentError(1, f"More than {numbers.MOST_DECIMALS} decimals asked for")
    return numbers.number_writer(count, point, thousands)


def _minor(value: str, currency: str) -> str:
    """Nothing without a number or a currency: a factor by guess would make a hundredfold of yen."""
    number = numbers.plain_number(value)
    if number is None or not currency:
        return ""
    return numbers.whole_units(number, minor_units(currency.strip().upper()))


def _map(value: str, *pairs: str) -> str:
    for index in range(0, len(pairs) - 1, 2):
        if pairs[index] == value:
            return pairs[index + 1]
    return pairs[-1] if len(pairs) % 2 else ""


def _replace(value: str, old: str, new: str) -> str:
    return value.replace(old, new) if old else value


def _strip(value: str, characters: str) -> str:
    return value.translate(dict.fromkeys(map(ord, characters)))


def _bind_phone(calling_code: str = "") -> Apply:
    if calling_code and not re.fullmatch(r"\+?[1-9][0-9]{0,2}", calling_code):
        hint = 'It is one to three digits, such as "1" or "44".'
        raise BadArgumentError(1, f"{quoted(calling_code)} is not a country's calling code", hint)
    return lambda value: identifiers.phone(value, calling_code.removeprefix("+"))


def _bind_mac(separator: str = ":") -> Apply:
    return lambda value: identifiers.mac_address(value, separator)


_FALSE: Final = frozenset({"", "false", "no", "n", "f", "off"})  # A number is false if it is 0.


def _bool(value: str) -> str:
    text = value.strip().lower()
    return "false" if text in _FALSE or numbers.plain_number(text) == 0 else "true"


_TEXT, _WHOLE = ArgumentKind.TEXT, ArgumentKind.WHOLE_NUMBER

_ALL = (
    _simple("upper", str.upper, "In upper case.", "{upper(CustomerCity)}"),
    _simple("lower", str.lower, "In lower case.", "{lower(Status)}"),
    _simple("trim", str.strip, "Without white space at both ends.", "{trim(Note)}"),
    Function(
        "truncate",
        (Argument("value"), Argument("length", _WHOLE)),
        "The first characters, at most so many.",
        "{truncate(Note, 4)}",
        bind=_bind_truncate,
    ),
    Function(
        "replace",
        (Argument("value"), Argument("old"), Argument("new")),
        "With one text in place of another, wherever it occurs.",
        '{replace(Note, " ", "_")}',
        bind=lambda: _replace,
    ),
    Function(
        "strip",
        (Argument("value"), Argument("characters")),
        "Without these characters, wherever they occur.",
        '{strip(iosIfa, "-")}',
        bind=lambda: _strip,
    ),
    _simple(
        "email",
        identifiers.email,
        "An e-mail address as receivers hash it: in lower case, without white space around it. Anything else gives "
        "nothing.",
        '{sha256(email(" Ann@Shop.example"))}',
    ),
    Function(
        "phone",
        (Argument("value"), Argument("calling code", _TEXT, default='""')),
        "A phone number in E.164, as receivers hash it. Without + or 00 in front it belongs to the country with the "
        "calling code. Anything else gives nothing.",
        '{phone("(555) 010-0199", "1")}',
        bind=_bind_phone,
    ),
    Function(
        "mac",
        (Argument("value"), Argument("separator", _TEXT, default='":"')),
        "A MAC address in upper case, as receivers hash it, from any spelling. Anything else gives nothing.",
        '{mac(macAddress, "")}',
        bind=_bind_mac,
    ),
    _hash("md5", "MD5"),
    _hash("sha1", "SHA-1"),
    _hash("sha256", "SHA-256"),
    _simple(
        "base64", lambda value: base64.b64encode(utf8(value)).decode(), "Base64 of the value's UTF-8.", "{base64(Oid)}"
    ),
    _simple(
        "urlencode",
        percent_encoded,
        "Percent-encoded, before the encoding of its place: for a URL inside a URL's parameter, decoded twice.",
        "{urlencode(LandingPageUrl)}",
    ),
    _simple(
        "json",
        json_text,
        "Escaped for the inside of a JSON string: for JSON in a value that is not wholly JSON.",
        "{json(Text3)}",
    ),
    _simple(
        "xml",
        xml_attribute,
        "Escaped for text and quoted attributes of XML: for XML in a value that is not wholly XML.",
        "{xml(Text3)}",
    ),
    Function(
        "date",
        (Argument("value"), Argument("format", _TEXT), Argument("zone", _TEXT, default="the date's own offset")),
        "A date in another format and time zone. Anything but a date gives nothing.",
        '{date(EventDate, "%Y-%m-%d", "America/New_York")}',
        bind=_bind_date,
    ),
    Function(
        "number",
        (
            Argument("value"),
            Argument("decimals", _WHOLE, default="as many as it has"),
            Argument("point", _TEXT, default='"."'),
            Argument("thousands", _TEXT, default='""'),
        ),
        "A number, rounded half to even, with separators. Anything but a number in plain digits gives nothing.",
        '{number(Amount, 1, ",", ".")}',
        bind=_bind_number,
        numeric_like=(),
    ),
    Function(
        "minor",
        (Argument("value"), Argument("currency", default="the currency of the value")),
        "Money in whole minor units of its currency: cents of USD, yen of JPY, thousandths of KWD.",
        "{minor(Amount)}",
        bind=lambda: _minor,
        numeric_like=(),
    ),
    Function(
        "bool",
        (Argument("value"),),
        "true or false; bare where it stands bare in JSON. Nothing, 0, false, no, n, f and off are false, in any case.",
        "{bool(iosAdTracking)}",
        bind=lambda: _bool,
        boolean=True,
    ),
    Function(
        "default",
        (Argument("value"), Argument("fallback")),
        "The value, or the fallback where it is empty.",
        '{default(StatusDetail, "none")}',
        bind=lambda: lambda value, fallback: value or fallback,
        numeric_like=(0,),
    ),
    Function(
        "map",
        (Argument("value"), Argument("from"), Argument("to"), Argument("otherwise", default='""')),
        "The text after the one that equals the value, or else the last single one.",
        '{map(Status, "PENDING", "1", "APPROVED", "2", "0")}',
        bind=lambda: _map,
        repeats=True,
    ),
    Function(
        "if",
        (
            Argument("condition", ArgumentKind.CONDITION),
            Argument("then"),
            Argument("otherwise", default='""'),
        ),
        "One of two values. A condition compares two values by == != < > contains, or is a value and the word empty.",
        '{if(CustomerStatus == "NEW", "1", "0")}',
        numeric_like=(1, 2),
    ),
    Function(
        "join",
        (
            Argument("list", ArgumentKind.LIST),
            Argument("loop name", ArgumentKind.LOOP_NAME),
            Argument("item template", ArgumentKind.TEMPLATE),
            Argument("separator", _TEXT, default='""'),
            Argument("prefix", _TEXT, default='""'),
        ),
        "The template once for each item, the separator between them, the prefix before them. Nothing without items.",
        '{join(items, i, "sku{i}={i.sku}", "&", "?")}',
    ),
    Function(
        "raw", (Argument("value"),), "The value without any encoding. Outermost only, never in headers.", "{raw(Text1)}"
    ),
    Function("text", (Argument("literal", _TEXT),), "The text as it stands, braces included.", '{text("{Payout}")}'),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({each.name: each for each in _ALL})
"""All functions by name."""
