"""Reads reports from files: JSON Lines and CSV, line by line, so that a file of any size takes little memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from actions.reports.rejected import Rejected

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"


class UnreadableFileError(Exception):
    """The file as a whole cannot be read as what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line of a file, or the several lines of one CSV row."""

    number: int  # From 1; of several lines the first.
    raw: bytes  # As it stands in the file, line end included.
    fields: dict[str, Any] | Rejected | None  # None for the line of names that begins a CSV file.

    @property
    def last_number(self) -> int:
        return self.number + max(self.raw.count(b"\n"), 1) - 1


LineReader = Callable[[BinaryIO], Iterator[FileLine]]


def json_lines(file: BinaryIO) -> Iterator[FileLine]:
    """One JSON object a line; blank lines are skipped.

    Raises:
        UnreadableFileError: the file is not UTF-8 from its first bytes on.
    """
    for number, raw in enumerate(file, 1):
        line = _first_line(raw) if number == 1 else raw
        if line.strip():
            yield FileLine(number, line, _fields(partial(json_object, line)))


def csv_rows(file: BinaryIO) -> Iterator[FileLine]:
    """Comma-separated values with the fields' names in the first line; blank lines are skipped.

    Raises:
        UnreadableFileError: the first line is not a line of field names in UTF-8.
    """
    source = _Lines(file)
    rows = csv.reader(source, strict=True)
    names = _names(rows)
    yield source.line(None)
    while True:
        fields: dict[str, Any] | Rejected
        try:
            cells = next(rows)
        except StopIteration:
            return
        except UnicodeDecodeError:
            fields = Rejected("MALFORMED", "The line is not UTF-8.")
        except csv.Error as error:
            fields = Rejected("MALFORMED", f"The line is not CSV: {error}.")
        else:
            if not any(cells):
                source.skip()
                continue
            fields = _fields(partial(_row_fields, names, cells))
        yield source.line(fields)


class _Lines:
    """The lines of a file as text, remembering the bytes of those that make up the present row."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        self._taken: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._file)
        self._number += 1
        if self._number == 1:
            raw = _first_line(raw)
        self._taken.append(raw)
        return raw.decode()

    def line(self, fields: dict[str, Any] | Rejected | None) -> FileLine:
        """What was read since the last call, as one line with `fields`."""
        line = FileLine(self._number - len(self._taken) + 1, b"".join(self._taken), fields)
        self._taken.clear()
        return line

    def skip(self) -> None:
        """Forget what was read since the last call."""
        self._taken.clear()


def _names(rows: Iterator[list[str]]) -> list[str]:
    try:
        names = [name.strip() for name in next(rows, [])]
    except UnicodeDecodeError:
        raise UnreadableFileError("The first line is not UTF-8; save the file as UTF-8.") from None
    except csv.Error as error:
        raise UnreadableFileError(f"The first line is not CSV: {error}.") from None
    if not any(names):
        raise UnreadableFileError("The file is empty; its first line names the fields, such as CampaignId,OrderId.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"The first line names {', '.join(twice)} more than once.")
    return names


def _row_fields(names: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(names):
        raise Rejected("MALFORMED", f"The line has {len(cells)} cells, the first line of the file {len(names)} names.")
    if any(cell and not name for name, cell in zip(names, cells, strict=True)):
        raise Rejected("MALFORMED", "The line has a value in a column without a name.")
    return dict(zip(names, cells, strict=True))


def _fields(read: Callable[[], dict[str, Any]]) -> dict[str, Any] | Rejected:
    try:
        return read()
    except Rejected as refusal:
        return refusal


def json_object(text: bytes, what: str = "line") -> dict[str, Any]:
    """The JSON object that `text` is; `what` names it in messages.

    Raises:
        Rejected: it is none.
    """
    try:
        value = _DECODER.decode(text.decode())
    except Rejected as refusal:
        raise Rejected("MALFORMED", f"The {what} is not JSON: {refusal}") from None
    except UnicodeDecodeError:
        raise Rejected("MALFORMED", f"The {what} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise Rejected("MALFORMED", f"The {what} is not JSON: {error.msg} at {place}.") from None
    except (ValueError, RecursionError):
        raise Rejected(
            "MALFORMED", f"The {what} is not JSON that can be read: a number or a nesting is too large."
        ) from None
    if not isinstance(value, dict):
        raise Rejected("MALFORMED", f"The {what} is JSON, but not an object with fields such as CampaignId.")
    return value


def _refuse_constant(name: str) -> None:
    raise Rejected("MALFORMED", f"{name} is not a number.")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def _first_line(raw: bytes) -> bytes:
    """The first line without the mark that some programs put before UTF-8."""
    if raw.startswith(UTF16_MARKS):
        raise UnreadableFileError("The file is UTF-16; save it as UTF-8.")
    return raw.removeprefix(UTF8_MARK)
