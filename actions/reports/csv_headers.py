"""The line of names that begins a CSV file: which separator it has, and what its columns say of the file. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actions.reports.field_names import Use
from actions.reports.files import ONLY_CR, UnreadableFileError
from actions.reports.report import NAMES

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# What spreadsheets write before the names to say how the values are separated.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
CODE: Final = "EventTypeCode"
_SHOWN: Final = 5  # Of columns in a message.


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, and the separator of all lines."""

    names: tuple[str, ...]
    separator: str

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the columns mean, those of items left out."""
        return frozenset(NAMES.meaning(name).field for name in self.names)

    @property
    def has_items(self) -> bool:
        """Whether the columns tell of items of an order."""
        return any(NAMES.meaning(name).use == Use.ITEM for name in self.names)


def announced_separator(line: str) -> str:
    """The separator that a line such as `sep=;` announces, or nothing."""
    match = _SEPARATOR_LINE.fullmatch(line)
    return match[1] if match else ""


def read_header(line: str, announced: str = "") -> Header:
    """Read the line of names; the separator is the announced one, or that under which most names are known.

    Raises:
        UnreadableFileError: it is not a line of field names.
    """
    if "\r" in line.rstrip("\r\n"):
        raise UnreadableFileError(ONLY_CR)
    if line.lstrip().startswith(("{", "[")):
        raise UnreadableFileError("The file is JSON; name it .jsonl, with one object a line.")
    best = max(_candidates(line, [announced] if announced else list(SEPARATORS)), key=_known)
    if not any(best.names):
        raise UnreadableFileError("The file is empty; its first line names the fields, such as CampaignId,OrderId.")
    known = _known(best)
    twice = sorted({name for name in best.names if name and best.names.count(name) > 1})
    if twice:
        also = "" if known else " It seems to hold values; it must hold the fields' names."
        raise UnreadableFileError(f"The first line names {', '.join(twice)} more than once.{also}")
    if not known:
        shown = ", ".join(repr(name[:30]) for name in best.names[:_SHOWN])
        raise UnreadableFileError(
            f"The first line names no field: {shown}. It must hold the fields' names, such as CampaignId,OrderId, "
            "with commas, semicolons, tabs or bars between them."
        )
    return best


def what_it_reports(header: Header, event: str) -> str:
    """Say as what the file is read, if that does not go without saying; `event` is that of lines without their own.

    Raises:
        UnreadableFileError: not one line could be recorded.
    """
    fields = header.fields
    if not fields & {"OrderId", "ActionId"}:
        raise UnreadableFileError("No column names the order: OrderId is needed, or ActionId in a file of changes.")
    if "Event" in fields:
        return f"Lines whose Event is empty are read as {event}." if event else ""
    if not event:
        if "EventDate" in fields:
            # A code names the event type, and its program.
            _require(fields, () if CODE in fields else ("CampaignId", "ActionTrackerId"), "new actions need")
            return ""
        raise UnreadableFileError(
            "There is neither EventDate, which new actions need, nor Event, which says what happened to actions. "
            "For a file of changes give --event modified or --event reversed, or add a column Event."
        )
    if not fields & {"ActionId", CODE}:
        _require(fields, ("ActionTrackerId",), "changes by order id need")
    if event == "reversed" and header.has_items:
        raise UnreadableFileError(
            "A reversal takes whole orders back, and these lines are about items. Report returned items with "
            "--event modified."
        )
    return f"Read as a batch file of {_layout(header)}: every line is {event}."


def _require(fields: frozenset[str], needed: Sequence[str], who: str) -> None:
    missing = [name for name in needed if name not in fields]
    if missing:
        raise UnreadableFileError(f"There is no column {' and no column '.join(missing)}, which {who}.")


def _layout(header: Header) -> str:
    event_type = CODE if CODE in header.fields else "ActionTrackerId"
    by = "ActionId" if "ActionId" in header.fields else f"OrderId and {event_type}"
    if header.has_items:
        return f"items, whose actions are named by {by}"
    return f"actions, named by {by}"


def _known(header: Header) -> int:
    return sum(NAMES.meaning(name).use != Use.UNKNOWN for name in header.names if name)


def _candidates(line: str, separators: Sequence[str]) -> list[Header]:
    found, problems = [], []
    for separator in separators:
        try:
            cells = next(csv.reader([line], delimiter=separator, strict=True), [])
        except csv.Error as error:
            problems.append(error)
        else:
            found.append(Header(tuple(name.strip() for name in cells), separator))
    if not found:
        raise UnreadableFileError(f"The first line is not CSV: {problems[0]}.")
    return found
