"""Lines of files that hold reports, and those of JSON Lines, read so that a file of any size takes little memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, TypeAlias

import orjson

from actions.reports.rejected import Rejected, malformed

UTF8_MARK = b"\xef\xbb\xbf"
# How files begin that are no text, with what they are.
_NO_TEXT = (
    (b"\xff\xfe", "UTF-16; save it as UTF-8."),
    (b"\xfe\xff", "UTF-16; save it as UTF-8."),
    (b"PK\x03\x04", "a workbook or an archive; save it as CSV in UTF-8."),
    (b"\xd0\xcf\x11\xe0", "a workbook; save it as CSV in UTF-8."),
    (b"\x1f\x8b", "compressed; unpack it first."),
    (b"%PDF", "a PDF; export the reports as CSV in UTF-8."),
)
# Above any line of names or report; a file that is one line is not read into memory.
MAX_FIRST_LINE = 16 * 1024 * 1024
MAX_DEPTH = 10  # Of lists and objects in each other. The object, its items and one of them are three.
_PLAIN = frozenset({str, int, bool, type(None)})  # What orjson reads as every other way does.
_BLANK_BEFORE_COLON = re.compile(rb'"[ \t\r\n]+:')
_OBJECTS_BETWEEN_CR = re.compile(rb"\}[ \t]*\r[ \t\r]*\{")


class UnreadableFileError(Exception):
    """The file as a whole cannot be read as what it should be; the text says why."""


Fields: TypeAlias = dict[str, Any] | Rejected
ONLY_CR = "The file's lines end with CR alone, as old Macs wrote them; save it with LF or CRLF."


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line of a file, or the several lines of one CSV row."""

    number: int  # From 1; of several lines the first.
    raw: bytes  # As it stands in the file, line end included.
    fields: Fields | None  # None for the line of names that begins a CSV file.

    @property
    def last_number(self) -> int:
        return self.number + self.count - 1

    @property
    def count(self) -> int:
        """Of how many lines it consists."""
        return max(self.raw.count(b"\n") + (not self.raw.endswith(b"\n")), 1)


def json_lines(file: BinaryIO) -> Iterator[FileLine]:
    """One JSON object a line; blank lines are skipped.

    Raises:
        UnreadableFileError: the file is not JSON Lines in UTF-8 from its first bytes on.
    """
    first = first_line(file)
    begin = first.strip()
    if begin in (b"{", b"[", b"[{") or (begin[:1] == b"[" and not begin.endswith(b"]")) or begin.startswith(b"[{"):
        raise UnreadableFileError("The file is JSON over several lines or in a list; write one object a line.")
    if _OBJECTS_BETWEEN_CR.search(first):
        raise UnreadableFileError(ONLY_CR)
    rest: Iterable[bytes] = file
    for number, raw in enumerate(chain((first,), rest), 1):
        if raw.strip():
            yield FileLine(number, raw, read_or_refusal(partial(json_object, raw)))


def read_or_refusal(read: Callable[[], dict[str, Any]]) -> Fields:
    """What is read, or its refusal as a value."""
    try:
        return read()
    except Rejected as refusal:
        return refusal


def json_object(text: bytes, what: str = "line") -> dict[str, Any]:
    """The JSON object that `text` is; `what` names it in messages.

    Raises:
        Rejected: it is none, or one that no report needs: nested too deep, or with a field twice.
    """
    value = _plain_object(text)
    if value is not None:
        return value
    try:
        value = _DECODER.decode(text.removeprefix(UTF8_MARK).decode())
    except UnicodeDecodeError:
        raise Rejected("MALFORMED", f"The {what} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise Rejected("MALFORMED", f"The {what} is not JSON: {error.msg} at {place}.") from None
    except _NoNumberError as error:
        raise Rejected("MALFORMED", f"The {what} is not JSON: {error} is not a number.") from None
    except RecursionError:
        raise _too_deep(what) from None
    except Rejected:
        raise
    except ValueError:
        raise Rejected("MALFORMED", f"The {what} is not JSON that can be read: a number is too large.") from None
    # Most have fewer brackets than may be nested.
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and not _is_within(value, MAX_DEPTH):
        raise _too_deep(what)
    if not isinstance(value, dict):
        raise Rejected("MALFORMED", f"The {what} is JSON, but not an object with fields such as CampaignId.")
    return value


def _plain_object(text: bytes) -> dict[str, Any] | None:
    """The object, read in a fifth of the time, if all ways to read it agree: as most. None is that they may not."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    # Most have no items as a list, and all of their names in one place.
    names = len(value) if _PLAIN.issuperset(map(type, value.values())) else _names_in(value)
    # Of a name that comes twice, orjson keeps one. Each name has its colon; texts may have more, and no fewer.
    return value if names and names == text.count(b'":') and not _BLANK_BEFORE_COLON.search(text) else None


def _names_in(fields: dict[str, Any]) -> int:
    """How many names there are, in items too; 0 for what another way to read it may take for something else."""
    names = len(fields)
    for value in fields.values():
        if isinstance(value, float):  # Also a whole number of more than 64 bits.
            return 0
        if isinstance(value, dict):
            return 0
        if isinstance(value, list):
            for item in value:
                inner = item.values() if isinstance(item, dict) else (item,)
                if any([isinstance(each, (float, dict, list)) for each in inner]):  # noqa: C419 -- twice as long otherwise
                    return 0
                names += len(item) if isinstance(item, dict) else 0
    return names


def differing(name: str) -> Rejected:
    """The refusal of a field that is given twice."""
    return malformed(name, "it is given twice, with different values.")


def _too_deep(what: str) -> Rejected:
    return Rejected(
        "MALFORMED", f"The {what} nests lists and objects more than {MAX_DEPTH} deep; a report with items needs three."
    )


def _is_within(value: object, depth: int) -> bool:
    """Whether a value nests at most so deep."""
    if not isinstance(value, (dict, list)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_within(each, depth - 1) for each in inner if isinstance(each, (dict, list)))


class _NoNumberError(ValueError):
    """NaN or an infinity, which JSON does not have."""


def _refuse_constant(name: str) -> None:
    raise _NoNumberError(name)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of a name that comes twice, one that is empty says nothing."""
    value = dict(pairs)
    if len(value) != len(pairs):
        value = {}
        for name, each in pairs:
            there = value.get(name)
            if there is None or there == "":
                value[name] = each
            elif each not in (None, "", there):
                raise differing(name)
    return value


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_named_once)


def first_line(file: BinaryIO) -> bytes:
    """The first line, without the mark that some programs put before UTF-8.

    Raises:
        UnreadableFileError: the file is no text in UTF-8.
    """
    raw = file.readline(MAX_FIRST_LINE)
    for mark, what in _NO_TEXT:
        if raw.startswith(mark):
            raise UnreadableFileError(f"The file is {what}")
    if b"\0" in raw[:4]:
        raise UnreadableFileError("The file is UTF-16; save it as UTF-8.")
    return raw.removeprefix(UTF8_MARK)
