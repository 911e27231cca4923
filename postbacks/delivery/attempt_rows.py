"""An attempt as a row of text: what was sent and what came back, cleaned so that PostgreSQL accepts all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from postbacks.credentials.secrets.mask import shown
from postbacks.delivery.batch_tally import reason_class
from postbacks.delivery.outcomes import Delivered, Judged
from postbacks.egress.answer import Answer

COLUMNS = (
    "delivery_id",
    "number",
    "started_at",
    "duration_ms",
    "succeeded",
    "reason",
    "postback_id",
    "why",
    "method",
    "url",
    "request_headers",
    "request_body",
    "status",
    "response_headers",
    "response_body",
)
Row = tuple[object, ...]

_COPY_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))  # The backslash first.
# Between two values until the row has been escaped: a clean text has no NUL.
_BETWEEN = "\0"
_LINE = _BETWEEN.join(["%s"] * len(COLUMNS))


def attempt_row(judged: Judged) -> Row:
    """The values of COLUMNS for a delivery that was attempted. Secrets of the request are masked; those of the answer
    are so already."""
    sent = judged.sent
    assert sent is not None  # noqa: S101 -- the caller passes attempted ones only
    request = sent.prepared.request
    answer = sent.answer if isinstance(sent.answer, Answer) else None
    headers, content = ("", "") if answer is None else (answer.header_text, answer.text)
    return (
        judged.claimed.delivery_id,
        judged.claimed.attempt,
        _moment(sent.started_at),
        round(sent.duration_seconds * 1000),
        isinstance(judged.outcome, Delivered),
        clean(getattr(judged.outcome, "reason", "")),
        judged.claimed.postback_id,
        reason_class(judged) or "",
        request.method,
        clean(request.url),
        clean("\n".join([f"{name}: {shown(value)}" for name, value in request.headers.items()])),
        "" if request.body is None else clean(request.body.decode("utf-8", "replace")),
        None if answer is None else answer.status_code,
        clean(headers),
        clean(content),
    )


def _moment(unix_time: float) -> str:
    seconds, microseconds = divmod(round(unix_time * 1_000_000), 1_000_000)
    return f"{_second(seconds)}.{microseconds:06}+00:00"


@lru_cache(maxsize=64)  # Thousands are made in each second.
def _second(unix_time: int) -> str:
    return f"{datetime.fromtimestamp(unix_time, UTC):%Y-%m-%dT%H:%M:%S}"


def without_text(row: Row) -> Row:
    """The same row without any text from outside, for a row that the database refused."""
    number_of_kept = COLUMNS.index("url")
    status = row[COLUMNS.index("status")]
    return (*row[:number_of_kept], "", "", "", status, "", "")


def copy_line(row: Row) -> str:
    """The row, a value for each of COLUMNS, in PostgreSQL's COPY text format; its texts must be clean."""
    # Escaped as a whole: value by value takes three times as long.
    text = _LINE % row
    for character, escape in _COPY_ESCAPES:  # Each is a search in C; `str.translate` looks at every character.
        if character in text:
            text = text.replace(character, escape)
    if None in row:  # As where no answer came.
        values = text.split(_BETWEEN)
        text = _BETWEEN.join(["\\N" if value is None else values[place] for place, value in enumerate(row)])
    return text.replace(_BETWEEN, "\t") + "\n"


def clean(text: str) -> str:
    """Replaces NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot encode."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
