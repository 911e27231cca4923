"""Why an attempt failed, or a delivery without one, as a short code that stays: for counting, not for reading. Pure."""

from __future__ import annotations

from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004 -- requests' own name, the vocabulary here
    ConnectTimeout,
    ContentDecodingError,
    InvalidURL,
    ReadTimeout,
    RequestException,
    SSLError,
)

from postbacks.guard import ONLY_PUBLIC
from postbacks.transport import NO_CONNECTION, UNKNOWN_HOST, Answer

UNBUILDABLE = "unbuildable"
LABELS = {
    "dns": "Host name not found",
    "refused": "Connection refused",
    "connect_timeout": "No connection in time",
    "tls": "TLS failed",
    "timeout": "No answer in time",
    "broken": "Connection broke",
    "bad_answer": "Not a proper HTTP answer",
    "address": "Address not allowed",
    "invalid_url": "URL cannot be called",
    "status_3xx": "Status 1xx or 3xx",
    "status_4xx": "Status 4xx",
    "status_410": "Status 410 Gone",
    "status_429": "Status 429 Too Many Requests",
    "status_5xx": "Status 5xx",
    "rule": "Refused by the response rules",
    UNBUILDABLE: "Request could not be built",
    "held_week": "Held for seven days",
    "other": "Something else",
}

_BY_TYPE: tuple[tuple[type[RequestException], str], ...] = (  # The narrow ones first: some derive from others.
    (SSLError, "tls"),
    (ConnectTimeout, "connect_timeout"),
    (ReadTimeout, "timeout"),
    (InvalidURL, "invalid_url"),
    (ChunkedEncodingError, "bad_answer"),
    (ContentDecodingError, "bad_answer"),
    (ConnectionError, "broken"),
)


def why_failed(answer: Answer | RequestException) -> str:
    """One of LABELS for an attempt that was not judged a success."""
    return _of_status(answer.status_code) if isinstance(answer, Answer) else _of_failure(answer)


def _of_status(status: int) -> str:
    if 200 <= status < 300:
        return "rule"
    if status in (410, 429):
        return f"status_{status}"
    return "status_3xx" if status < 400 else "status_4xx" if status < 500 else "status_5xx"


def _of_failure(failure: RequestException) -> str:
    text = str(failure)
    if text == UNKNOWN_HOST:
        return "dns"
    if text == NO_CONNECTION:
        return "refused"
    if ONLY_PUBLIC in text:
        return "address"
    return next((code for kind, code in _BY_TYPE if isinstance(failure, kind)), "other")
