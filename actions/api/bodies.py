"""The body of a request, whole and not too large."""

from __future__ import annotations

from django.http import HttpRequest

from actions.reports.rejected import Rejected

MAX_BODY_BYTES = 1024 * 1024  # Above any order of a thousand items.


class BodyTooLargeError(Exception):
    """The body is larger than this endpoint takes."""

    def __init__(self, limit: int, message: str = "") -> None:
        super().__init__(message or f"The body is larger than {limit:,} bytes.")


def read_body(request: HttpRequest, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. Raises BodyTooLargeError, before reading where the request tells its length."""
    refuse_compressed(request)
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLargeError(limit)
    body = bytes(request.read(limit + 1))
    if len(body) > limit:
        raise BodyTooLargeError(limit)
    check_complete(request, len(body))
    return body


def refuse_compressed(request: HttpRequest) -> None:
    """Raises Rejected where the body is not sent as it is: unpacked, a small one may be of any size."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Rejected("MALFORMED", f"Content-Encoding: {encoding[:100]!r} cannot be read; send the body as it is.")


def check_complete(request: HttpRequest, size: int) -> None:
    """Raises Rejected where the connection broke off before the body's end."""
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > size:
        raise Rejected("MALFORMED", f"The body broke off after {size:,} of {int(declared):,} bytes.")
