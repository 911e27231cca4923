"""How a file is read: by its name's ending, and with what the operator says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from actions.reports.csv_files import csv_rows
from actions.reports.files import FileLine, json_lines
from actions.reports.report import NAMES

READERS: Final = {".jsonl": "json", ".ndjson": "json", ".csv": "csv", ".tsv": "csv"}
# Goes up with every change after which lines are counted or cut into parts in another way.
VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """The way of one import; its text tells it from others."""

    suffix: str
    event: str = ""  # Of lines that do not say theirs.

    def __str__(self) -> str:
        event = f", --event {self.event}" if self.event else ""
        return f"{READERS[self.suffix]}, version {VERSION}{event}"

    def lines(self, file: BinaryIO, tell: Callable[[str], None]) -> Iterator[FileLine]:
        """The lines of the file; `tell` is told what does not go without saying.

        Raises:
            UnreadableFileError: the file cannot be read as what its name says.
        """
        lines = csv_rows(file, self.event, tell) if READERS[self.suffix] == "csv" else json_lines(file)
        return (self._with_event(line) for line in lines) if self.event else lines

    def _with_event(self, line: FileLine) -> FileLine:
        if not isinstance(line.fields, dict) or _says_event(line.fields):
            return line
        said = {name: value for name, value in line.fields.items() if NAMES.meaning(name).field != "Event"}
        return FileLine(line.number, line.raw, {**said, "Event": self.event})


def _says_event(fields: dict[str, Any]) -> bool:
    return any(value not in (None, "") and NAMES.meaning(name).field == "Event" for name, value in fields.items())
