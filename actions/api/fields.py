"""The fields of a request, from its query and its body together.

A body is read as what it looks like: many a caller sends JSON and lets its library call it a form, or the reverse.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from actions.api.bodies import read_body
from actions.reports.files import UTF8_MARK, differing, json_object
from actions.reports.rejected import Rejected
from actions.reports.report import MAX_FIELDS

FORM, JSON, LINES = "application/x-www-form-urlencoded", "application/json", "application/x-ndjson"
# What callers call a form or JSON, or leave to their library.
_READ: Final = frozenset({FORM, JSON, "", "text/json", "text/plain", "application/octet-stream"})
_LIKE_JSON: Final = (b"{", b"[")
_ENCODED_BRACE: Final = b"%7B"
_LIKE_FORM: Final = re.compile(rb"[^\s{}\[\]\"<>=&]+=")
# Java and older .NET write the bytes of these where nobody tells them otherwise.
_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


def read_fields(request: HttpRequest) -> dict[str, Any]:
    """The fields of one report.

    Raises:
        Rejected: the body cannot be read, or a field is given twice with different values.
        BodyTooLargeError: it is larger than a report may be.
    """
    query = request.META.get("QUERY_STRING", "").encode("latin-1", errors="replace")
    return fields_of(read_body(request), request.headers.get("Content-Type", ""), query)


def fields_of(body: bytes, content_type_header: str, query: bytes) -> dict[str, Any]:
    """The fields of one report, from the parts of a request. Raises Rejected, as `read_fields`."""
    fields = _of_body(body, content_type_header)
    if query:
        _add(fields, query, "utf-8", "query")
    return fields


def content_type(header: str) -> str:
    """The type alone, in lower case."""
    return header.partition(";")[0].partition(",")[0].strip().lower()


def _of_body(body: bytes, header: str) -> dict[str, Any]:
    body = body.removeprefix(UTF8_MARK).strip()
    if not body:
        return {}
    kind = content_type(header)
    if kind not in _READ and not kind.endswith("+json"):
        raise Rejected("MALFORMED", f"Content-Type: {kind[:100]!r} cannot be read; send {FORM} or {JSON}.")
    charset = _charset(header)
    is_form = kind in ("", FORM) or bool(_LIKE_FORM.match(body))
    if body.startswith(_LIKE_JSON) or not is_form:
        return json_object(_as_utf8(body, charset), "body")
    fields: dict[str, Any] = {}
    _add(fields, body, charset, "body")
    return fields


def _charset(header: str) -> str:
    """The charset that the content type names. Raises Rejected where it is none that is read."""
    name = parse_header_parameters(header)[1].get("charset", "") if "=" in header else ""
    if not name:
        return "utf-8"
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    if found not in _CHARSETS:
        raise Rejected("MALFORMED", f"Content-Type: the charset {name[:100]!r} cannot be read; send UTF-8.")
    return found


def _as_utf8(body: bytes, charset: str) -> bytes:
    """The body in UTF-8. What is UTF-8 stays so whatever the charset: libraries name theirs unasked."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body if charset in ("utf-8", "ascii") else body.decode(charset, errors="replace").encode()
    return body


def _add(fields: dict[str, Any], encoded: bytes, charset: str, what: str) -> None:
    """Add form-encoded fields to those that are there."""
    if encoded[:3].upper() == _ENCODED_BRACE:
        raise Rejected("MALFORMED", f"The {what} is JSON that was form-encoded; send it as it is, as {JSON}.")
    for name, value in _pairs(encoded, charset, what):
        there = fields.get(name)
        if there is None or there == "":
            fields[name] = value
        elif value != "" and _text(there) != value:
            raise differing(name)


def _pairs(encoded: bytes, charset: str, what: str) -> list[tuple[str, str]]:
    for tried in dict.fromkeys(("utf-8", charset)):
        try:
            return form_pairs(encoded.decode(tried), tried)
        except UnicodeDecodeError:
            continue
    raise Rejected("MALFORMED", f"The {what} is not UTF-8.")


def form_pairs(text: str, charset: str) -> list[tuple[str, str]]:
    """The names and values of a form, as `urllib.parse.parse_qsl` reads them, empty ones too; in less than half of its
    time, which each report pays.

    Raises:
        UnicodeDecodeError: what is escaped is not of this charset.
        Rejected: there are too many.
    """
    if text.count("&") >= MAX_FIELDS:
        raise Rejected("MALFORMED", f"There are more than {MAX_FIELDS} fields.")
    pairs = []
    for each in text.replace("+", " ").split("&"):
        if each:
            name, _, value = each.partition("=")
            if "%" in each:
                name, value = unquote(name, charset, "strict"), unquote(value, charset, "strict")
            pairs.append((name, value))
    return pairs


def _text(value: object) -> object:
    """A value of JSON as a form has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (list, Mapping)) else str(value)
