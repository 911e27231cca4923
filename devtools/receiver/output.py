"""The output of the receiver: a line of JSON for each request, and text for the terminal."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson

from devtools.receiver.parser import BadRequest, Request

_SHOWN_BODY_CHARACTERS = 2000
# Requests must not move the cursor or colour the terminal.
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Styles(Protocol):
    """Django's command styles; each returns its text unchanged if there are no colours."""

    def SUCCESS(self, text: str) -> str: ...  # noqa: N802 - Django's name.
    def ERROR(self, text: str) -> str: ...  # noqa: N802 - Django's name.
    def HTTP_INFO(self, text: str) -> str: ...  # noqa: N802 - Django's name.


class Batch:
    """Collects text and passes it to `write` together: ten thousand small writes a second cost too much."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._waiting: list[str] = []

    def add(self, text: str) -> None:
        """Takes whole lines; the next `flush` writes them."""
        self._waiting.append(text)

    def flush(self) -> None:
        """Writes what is waiting. Raises OSError."""
        if self._waiting:
            texts, self._waiting = self._waiting, []
            self._write("".join(texts))


def log_line(request: Request, arrived_at: float, status: int) -> str:
    """The line of JSON: `t`, the arrival in seconds of the monotonic clock, which all processes of a machine share;
    `at`, the same by the wall clock; `method`, `url`, `headers`, `body` as text; `status`, the answer."""
    line = orjson.dumps(
        {
            "t": arrived_at,
            "at": datetime.now(UTC),
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "body": request.body.decode(errors="replace"),
            "status": status,
        },
        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
    )
    return line.decode()


def shown_request(request: Request, status: int, style: Styles) -> str:
    """The request as text for the terminal: time, method, URL and status of the answer; below it the decoded query, if
    it is encoded, and the body."""
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    paint = style.SUCCESS if status < 400 else style.ERROR
    lines = [f"{now}  {style.HTTP_INFO(request.method)} {_harmless(request.url)}  → {paint(str(status))}"]
    query = urlsplit(request.url).query if request.url.startswith("/") else ""
    if "%" in query or "+" in query:
        lines.append(f"    {_decoded_pairs(query)}")
    if request.body:
        body = _shown_body(request)
        lines += [f"    {line}" for line in body[:_SHOWN_BODY_CHARACTERS].splitlines()]
        if len(body) > _SHOWN_BODY_CHARACTERS:
            lines.append(f"    … and {len(body) - _SHOWN_BODY_CHARACTERS} more characters")
    return "".join(f"{line}\n" for line in lines)


def shown_refusal(refused: BadRequest, style: Styles) -> str:
    """A refused request as text for the terminal."""
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{now}  {style.ERROR(f'refused: {refused.reason}')}  → {style.ERROR(str(refused.status.value))}\n"


def _shown_body(request: Request) -> str:
    text = request.body.decode(errors="replace")
    content_type = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _decoded_pairs(text)
    return _harmless(text)


def _decoded_pairs(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "  ".join(_harmless(f"{name}={value}".replace("\n", " ")) for name, value in pairs)


def _harmless(text: str) -> str:
    return _CONTROL_CHARACTERS.sub("·", text)
