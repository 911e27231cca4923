"""An attempt as a row of text: what was sent and what came back, cleaned so that PostgreSQL takes any of it."""

from __future__ import annotations

from collections.abc import Mapping

from requests import Response

from postbacks.engine.stages import Delivered, Judged

COLUMNS = (
    "delivery_id",
    "number",
    "started_at",
    "duration_ms",
    "succeeded",
    "reason",
    "method",
    "url",
    "request_headers",
    "request_body",
    "status",
    "response_headers",
    "response_body",
)
Row = tuple[object, ...]

_NULL = "\\N"
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def attempt_row(judged: Judged) -> Row:
    """The values of COLUMNS, for a delivery that was attempted."""
    sent = judged.sent
    assert sent is not None  # noqa: S101 -- the caller passes attempted ones only
    request = sent.prepared.request
    body = request.body
    answer = sent.answer
    answered = answer if isinstance(answer, Response) else None
    return (
        judged.claimed.delivery_id,
        judged.claimed.attempt,
        sent.started_at.isoformat(),
        round(sent.duration_seconds * 1000),
        isinstance(judged.fate, Delivered),
        clean(getattr(judged.fate, "reason", "")),
        request.method,
        clean(request.url or ""),
        _headers(request.headers),
        clean(body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""),
        None if answered is None else answered.status_code,
        "" if answered is None else _headers(answered.headers),
        "" if answered is None else clean(answered.content.decode("utf-8", "replace")),
    )


def without_text(row: Row) -> Row:
    """The same with every text that came from outside left out, for a row that the database would not take."""
    number_of_kept = COLUMNS.index("url")
    status = row[COLUMNS.index("status")]
    return (*row[:number_of_kept], "", "", "", status, "", "")


def copy_line(row: Row) -> str:
    """The row in PostgreSQL's COPY text format."""
    return "\t".join(_NULL if value is None else str(value).translate(_COPY_ESCAPES) for value in row) + "\n"


def _headers(headers: Mapping[str, str]) -> str:
    return clean("\n".join(f"{name}: {value}" for name, value in headers.items()))


def clean(text: str) -> str:
    """Without NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot say."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
