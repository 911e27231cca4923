"""Reads the European Central Bank's XML of reference rates: what one euro is worth, for one day or several. Pure.

A document is read whole or not at all. It needs no document type and no entities, so neither is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from xml.parsers import expat

# Of the names in the XML, expat puts the namespace in front.
_ENVELOPE: Final = "http://www.gesmes.org/xml/2002-08-01 Envelope"
_CUBE: Final = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"
_CODE: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHOWN_CHARACTERS: Final = 40  # Of what the document says.


class UnreadableDocumentError(Exception):
    """It is no such document; the text says in a sentence why, with the line."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rates of one day as the document writes them, by currency."""

    day: date
    quotes: Mapping[str, str]


def read_document(content: bytes) -> list[Sheet]:
    """Return the days in the document, the earliest first; each has at least one rate.

    Raises:
        UnreadableDocumentError: it is broken, of another kind, or contradicts itself.
    """
    reading = _Reading()
    try:
        reading.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableDocumentError(
            f"Line {error.lineno}: it is not XML: {expat.errors.messages[error.code]}."
        ) from None
    except (ValueError, LookupError):  # Of an encoding that expat does not know and Python cannot help with.
        raise UnreadableDocumentError("Its encoding cannot be read.") from None
    if not reading.sheets:
        raise UnreadableDocumentError("It has no day of rates.")
    empty = next((day for day, quotes in reading.sheets.items() if not quotes), None)
    if empty is not None:
        raise UnreadableDocumentError(f"It has no rate for {empty}.")
    return [Sheet(day, quotes) for day, quotes in sorted(reading.sheets.items())]


def shown(text: str) -> str:
    """What the document says, for a message: short and printable."""
    kept = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
    return repr(kept)


@dataclass(slots=True)
class _Reading:
    sheets: dict[date, dict[str, str]] = field(default_factory=dict)
    parser: expat.XMLParserType = field(init=False)
    _depth: int = 0
    _day: tuple[date, int] | None = None  # The open day, and at which depth.

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _doctype(self, *_: object) -> None:
        raise self._wrong("a document type is not accepted")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name != _ENVELOPE:
            raise self._wrong(f"it begins with <{shown(name.rpartition(' ')[2])[1:-1]}>, not with the bank's envelope")
        if name != _CUBE:
            return
        if "time" in attributes:
            self._begin_day(attributes["time"])
        elif "currency" in attributes or "rate" in attributes:
            self._add(attributes.get("currency", ""), attributes.get("rate", ""))

    def _end(self, _name: str) -> None:
        if self._day is not None and self._day[1] == self._depth:
            self._day = None
        self._depth -= 1

    def _begin_day(self, text: str) -> None:
        try:
            day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None:
            raise self._wrong(f"{shown(text)} is no day; expected is one such as 2026-11-20")
        if day in self.sheets or self._day is not None:
            raise self._wrong(f"the day {day} comes twice, or within another")
        self.sheets[day] = {}
        self._day = day, self._depth

    def _add(self, currency: str, rate: str) -> None:
        if self._day is None:
            raise self._wrong(f"the rate of {shown(currency)} belongs to no day")
        if not _CODE.fullmatch(currency) or currency == "EUR":
            raise self._wrong(f"{shown(currency)} is no currency that has a rate of a euro")
        quotes = self.sheets[self._day[0]]
        if currency in quotes:
            raise self._wrong(f"{currency} comes twice for {self._day[0]}")
        quotes[currency] = rate

    def _wrong(self, what: str) -> UnreadableDocumentError:
        return UnreadableDocumentError(f"Line {self.parser.CurrentLineNumber}: {what}.")
