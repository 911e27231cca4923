"""The two formats of a line."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from operations.logs.redaction import redact, redact_value

# Set by Django; their text is the whole request with its query.
_NOT_FOR_LOGS = ("request", "server_time")


# Written as escapes: text from outside must not start a new line, nor colour the terminal.
_ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(9), *range(10, 32), *range(127, 160), 0x2028, 0x2029)}


class LineFormat(logging.Formatter):
    """For people: the time of day, and in brackets the id of the request. One line, except for tracebacks."""

    def __init__(self) -> None:
        super().__init__("{asctime}.{msecs:03.0f} {levelname} {name}: {message}", "%H:%M:%S", "{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        request_id = getattr(record, "request_id", "")
        line = super().formatMessage(record).translate(_ESCAPED)
        return f"{line} [{request_id}]" if request_id else line

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormat(JsonFormatter):
    """For machines: an object a line, with `time` (UTC), `level`, `logger`, `message`, `process`, `request_id` within a
    request, `exception` for a traceback, and whatever else was logged with it.
    """

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message", "process", "request_id"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"},
            reserved_attrs=[*RESERVED_ATTRS, *_NOT_FOR_LOGS],
            json_ensure_ascii=False,
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        if not log_data.get("request_id"):
            log_data.pop("request_id", None)
        return {name: redact_value(name, value) for name, value in log_data.items()}
