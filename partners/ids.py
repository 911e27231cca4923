"""Ids as texts: of an address, a form, a command or a file."""

from __future__ import annotations

from typing import Final, TypeVar

from django.db.models import Model, QuerySet

MAX_ID: Final = 2**63 - 1  # What the database's big integers hold.
_MOST_DIGITS: Final = len(str(MAX_ID))

Row = TypeVar("Row", bound=Model)


def read_id(text: str) -> int | None:
    """The id that a text is: ASCII digits alone, from 0 to `MAX_ID`. None for any other text, which names no row."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


def row_of(rows: QuerySet[Row], text: str) -> Row | None:
    """The one of these rows whose id the text is; None if it is no id, or of none of them."""
    key = read_id(text)
    return None if key is None else rows.filter(pk=key).first()
