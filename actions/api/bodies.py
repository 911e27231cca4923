"""The fields of a request: form-encoded or JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest

from actions.reports.files import json_object
from actions.reports.rejected import Rejected
from actions.reports.report import MAX_FIELDS

MAX_BODY_BYTES = 1024 * 1024  # Above any order of a thousand items.
FORM, JSON, LINES = "application/x-www-form-urlencoded", "application/json", "application/x-ndjson"


class BodyTooLargeError(Exception):
    """The body is larger than this endpoint takes."""

    def __init__(self, limit: int, message: str = "") -> None:
        super().__init__(message or f"The body is larger than {limit:,} bytes.")


def read_body(request: HttpRequest, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. Raises BodyTooLargeError, before reading where the request tells its length."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLargeError(limit)
    body = bytes(request.read(limit + 1))
    if len(body) > limit:
        raise BodyTooLargeError(limit)
    check_complete(request, len(body))
    return body


def check_complete(request: HttpRequest, size: int) -> None:
    """Raises Rejected where the connection broke off before the body's end."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > size:
        raise Rejected("MALFORMED", f"The body broke off after {size:,} of {int(declared):,} bytes.")


def read_fields(request: HttpRequest, *, query: bool = False) -> dict[str, Any]:
    """The fields of one report; with `query` those of the URL's query count as well.

    Raises:
        Rejected: the body is not what it is said to be, or has a field twice with different values.
        BodyTooLargeError: it has more than `MAX_BODY_BYTES`.
    """
    body = read_body(request)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    fields: dict[str, Any] = {}
    if kind == JSON and body.strip():
        fields = json_object(body, "body")
    elif kind in (FORM, "") or not body.strip():
        _add(fields, body)
    else:
        raise Rejected("MALFORMED", f"Content-Type: {kind[:100]!r} cannot be read; send {FORM} or {JSON}.")
    if query:
        _add(fields, request.META.get("QUERY_STRING", "").encode("latin-1"))
    return fields


def _add(fields: dict[str, Any], encoded: bytes) -> None:
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise Rejected("MALFORMED", "The fields are not UTF-8.") from None
    except ValueError:
        raise Rejected("MALFORMED", f"There are more than {MAX_FIELDS} fields.") from None
    for name, value in pairs:
        if fields.setdefault(name, value) != value:
            raise Rejected("MALFORMED", f"{name}: it is given twice, with different values.", name)
