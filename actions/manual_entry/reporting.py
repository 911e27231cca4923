"""Reports that somebody pastes or uploads: read, and checked or recorded as an import is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

from django.conf import settings

from actions.imports.parts import Window
from actions.imports.record_part import MOST_EVENTS
from actions.imports.run import Summary, import_stream, try_import
from actions.reports.csv_files import csv_rows
from actions.reports.files import FileLine, UnreadableFileError, json_lines, json_object
from actions.reports.rejected import Rejected

MAX_LINES = 10_000  # The browser waits meanwhile; the command and the API take more.
MAX_TOLD = 100
Look = Callable[[list[tuple[int, int]]], None]


@dataclass(slots=True)
class ImportReport:
    """What became of the lines: the counts, and the first refusals and notes with their line numbers."""

    recorded: bool  # Or only tried.
    summary: Summary = field(default_factory=Summary)
    refusals: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, int]] = field(default_factory=list)  # The first ones, with their lines.

    def begins(self, window: Window) -> None:
        """Nothing to prepare."""

    def rejected(self, line: FileLine, reason_code: str, message: str) -> None:
        if len(self.refusals) < MAX_TOLD:
            self.refusals.append((line.number, reason_code, message))

    def noted(self, number: int, note: str) -> None:
        if len(self.notes) < MAX_TOLD:
            self.notes.append((number, note))

    def became(self, number: int, event_id: int) -> None:
        if len(self.events) < MOST_EVENTS:
            self.events.append((number, event_id))

    def done(self, window: Window) -> None:
        """Nothing to finish."""


def take(text: bytes, *, record: bool, look: Look = lambda _: None) -> ImportReport:
    """Record the reports in `text`, or only try.

    Where they are only tried, `look` gets the first events with their lines, as (line, event id), before they are taken
    back. The text is JSON Lines or one JSON object, if it begins with a brace, and CSV otherwise.

    Raises:
        ValueError: it cannot be read, there is nothing in it or too much; the message says what to do.
        ImportStoppedError: the database failed; what was recorded before stays.
    """
    lines = _lines(text)
    told = ImportReport(recorded=record)
    told.summary = import_stream(lines, told, jobs=1) if record else try_import(lines, told, lambda: look(told.events))
    return told


def _lines(text: bytes) -> list[FileLine]:
    most: int = settings.UPLOAD_MAX_BYTES
    if len(text) > most:
        raise ValueError(f"{len(text):,} bytes; at most {most:,} are taken here. Use import_actions for more.")
    if not text.strip():
        raise ValueError("There is nothing to report: paste reports, or choose a file.")
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _bounded(csv_rows(BytesIO(text)))
    try:  # One object, perhaps over several lines, as people copy it.
        return [FileLine(1, b"", json_object(text, "text"))]
    except Rejected:
        return _bounded(json_lines(BytesIO(text)))


def _bounded(lines: Iterator[FileLine]) -> list[FileLine]:
    read: list[FileLine] = []
    try:
        for line in lines:
            read.append(line)
            if len(read) > MAX_LINES:
                raise ValueError(f"More than {MAX_LINES:,} lines. Use import_actions, which takes any number.")
    except UnreadableFileError as error:
        raise ValueError(str(error)) from error
    return read
