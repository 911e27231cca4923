"""Why an attempt failed, or a delivery without one, as a short stable code for counting. Pure."""

from __future__ import annotations

from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure

UNBUILDABLE = "unbuildable"
HELD_WEEK = "held_week"
UNSENT = (UNBUILDABLE, HELD_WEEK)  # Deliveries failed for these without an attempt.

# Codes may be added at any time: a process of an older version folds and reads counts of any code, and shows the code
# if it has no label.
LABELS: dict[str, str] = {
    Code.DNS: "Host name not found",
    Code.REFUSED: "Connection refused",
    Code.CONNECT_TIMEOUT: "No connection in time",
    Code.TLS: "TLS failed",
    Code.TIMEOUT: "No answer in time",
    Code.BROKEN: "Connection broke",
    Code.DROPPED: "Kept connection ended, tried again at once",
    Code.BAD_ANSWER: "Not a proper HTTP answer",
    Code.ADDRESS: "Address not allowed",
    Code.PORT: "Port not allowed",
    Code.PROXY: "Egress proxy failed",
    Code.INVALID_URL: "URL cannot be called",
    Code.OAUTH_TOKEN: "No access token from the token server",
    Code.INTERNAL: "Internal error",
    Code.OTHER: "Something else",
    "status_3xx": "Status 1xx or 3xx",
    "status_4xx": "Status 4xx",
    "status_410": "Status 410 Gone",
    "status_429": "Status 429 Too Many Requests",
    "status_5xx": "Status 5xx",
    "rule": "Refused by the response rules",
    UNBUILDABLE: "Request could not be built",
    HELD_WEEK: "Held for seven days",
}


def why_failed(answer: Answer | Failure) -> str:
    """One of LABELS for an attempt that did not succeed."""
    return answer.code.value if isinstance(answer, Failure) else _of_status(answer.status_code)


def _of_status(status: int) -> str:
    if 200 <= status < 300:
        return "rule"
    if status in (410, 429):
        return f"status_{status}"
    return "status_3xx" if status < 400 else "status_4xx" if status < 500 else "status_5xx"
