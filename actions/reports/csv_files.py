"""Reads reports from CSV, line by line. A stray quote costs its own line and no other."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, Final

from actions.reports.csv_headers import SEPARATORS, Header, announced_separator, read_header, what_it_reports
from actions.reports.files import Fields, FileLine, UnreadableFileError, first_line, read_or_refusal
from actions.reports.rejected import Rejected

_PLAIN: Final = 100_000  # Longer lines go through the parser, which has a limit for fields.
MAX_LINES_OF_FIELD: Final = 10  # A note or an address has fewer; a field with more began with a stray quote.


def csv_rows(file: BinaryIO, event: str = "", tell: Callable[[str], None] | None = None) -> Iterator[FileLine]:
    """Separated values with the fields' names in the first line; blank lines are skipped.

    `event` is that of lines which do not say theirs. `tell` is told as what the file is read, where that does not go
    without saying.

    Raises:
        UnreadableFileError: the first line is not a line of field names in UTF-8, or no line could be recorded.
    """
    lines = _Lines(file)
    header, raw = _header(lines)
    told = [what_it_reports(header, event)]
    if header.separator != ",":
        told.insert(0, f"Read with {SEPARATORS.get(header.separator, repr(header.separator))} between the values.")
    for text in told:
        if text and tell is not None:
            tell(text)
    yield FileLine(1, raw, None)
    while lines.more():
        line = _row(lines, header)
        if line is not None:
            yield line


class _Lines:
    """The lines of a file, some of which may be given back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._back: deque[bytes] = deque([first_line(file)])
        self.number = 0  # Of the line that was taken last.

    def more(self) -> bool:
        if not self._back:
            raw = self._file.readline()
            if raw:
                self._back.append(raw)
        return bool(self._back) and self._back[0] != b""

    def take(self) -> bytes:
        self.number += 1
        return self._back.popleft()

    def give_back(self, lines: list[bytes]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


class _StrayQuoteError(Exception):
    """A quoted field does not end where it should."""


def _header(lines: _Lines) -> tuple[Header, bytes]:
    """The header, and its line or lines as they stand in the file."""
    if not lines.more():
        return read_header(""), b""
    raw = lines.take()
    try:
        announced = announced_separator(raw.decode())
        if announced and lines.more():
            raw += lines.take()
        return read_header(raw.decode().split("\n", 1)[1] if announced else raw.decode(), announced), raw
    except UnicodeDecodeError:
        raise UnreadableFileError("The first line is not UTF-8; save the file as UTF-8.") from None


def _row(lines: _Lines, header: Header) -> FileLine | None:
    """The next row; None if it is blank."""
    taken: list[bytes] = []
    texts: list[str] = []
    first = lines.number + 1
    fields: Fields
    try:
        cells = _without_quotes(lines, header.separator, taken)
        if cells is None:
            feed = _feed(lines, header.separator, taken, texts)
            cells = next(csv.reader(feed, delimiter=header.separator, strict=True))
        _refuse_swallowed_rows(texts, cells, header)
        if not any(cells):
            return None
        fields = read_or_refusal(partial(_row_fields, header.names, cells))
    except UnicodeDecodeError:
        which = "The line" if len(taken) == 1 else f"Line {lines.number}, which a quote in this line takes in,"
        fields = Rejected("MALFORMED", f"{which} is not UTF-8.")
        lines.give_back(taken[1:])
        del taken[1:]
    except (_StrayQuoteError, csv.Error) as error:
        last = lines.number
        lines.give_back(taken[1:])
        if len(taken) == 1 and not isinstance(error, _StrayQuoteError) and "unexpected end" not in str(error):
            fields = Rejected("MALFORMED", f"The line is not CSV: {error}.")
        else:
            fields = Rejected("MALFORMED", _stray_quote(first, last))
        del taken[1:]
    return FileLine(first, b"".join(taken), fields)


def _without_quotes(lines: _Lines, separator: str, taken: list[bytes]) -> list[str] | None:
    """The cells of the next line if it has no quotes, as most: three times as fast. None if it needs to be parsed."""
    raw = lines.take()
    line = raw.rstrip(b"\r\n")
    if b'"' in line or b"\r" in line or len(line) > _PLAIN:
        lines.give_back([raw])
        return None
    taken.append(raw)
    return line.decode().split(separator)


def _feed(lines: _Lines, separator: str, taken: list[bytes], texts: list[str]) -> Iterator[str]:
    """The lines of one row, as many as its quotes ask for."""
    while lines.more():
        if len(texts) >= MAX_LINES_OF_FIELD and _open_field(texts, separator).count("\n") >= MAX_LINES_OF_FIELD:
            raise _StrayQuoteError
        raw = lines.take()
        taken.append(raw)
        texts.append(raw.decode())
        yield texts[-1]


def _open_field(texts: list[str], separator: str) -> str:
    """The field that has not ended yet."""
    return next(csv.reader(texts, delimiter=separator))[-1]


def _refuse_swallowed_rows(texts: list[str], cells: list[str], header: Header) -> None:
    """Refuse a row of several lines with whole rows in a field: two stray quotes enclose them."""
    separators = len(header.names) - 1
    if len(texts) < 2 or separators < 2:  # Of one or two columns every sentence with a comma looks like a row.
        return
    *inner, last = texts[1:]
    end = next((cell for cell in reversed(cells) if "\n" in cell), "").rpartition("\n")[2]
    if any(text.count(header.separator) >= separators for text in inner) or (
        last.count(header.separator) == separators and header.separator in end
    ):
        raise _StrayQuoteError


def _stray_quote(first: int, last: int) -> str:
    if last == first:
        return f"A quote opens a field in line {first} and nothing closes it. Line {first} is left out."
    return (
        f"A quote opens a field in line {first} that takes in the lines up to {last}; a field has at most "
        f"{MAX_LINES_OF_FIELD} lines and no rows in it. Line {first} is left out; the next is line {first + 1}."
    )


def _row_fields(names: tuple[str, ...], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(names):
        raise Rejected("MALFORMED", f"The line has {len(cells)} cells, the first line of the file {len(names)} names.")
    if any(cell and not name for name, cell in zip(names, cells, strict=True)):
        raise Rejected("MALFORMED", "The line has a value in a column without a name.")
    return dict(zip(names, cells, strict=True))
