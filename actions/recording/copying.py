"""Rows as the text that PostgreSQL's COPY reads. Pure.

Written and escaped column by column: what stands in one column of hundreds of rows is one text while it is searched for
what would end a cell. Value by value takes six times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NOTHING = r"\N"
_WRITTEN_NONE = str(None)
# What would end a cell or a line; the backslash first. Each is a search in C; `str.translate` looks at each character.
_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))
# Between the cells of a column while they are one text. PostgreSQL takes none, so hardly any cell has one.
_BETWEEN = "\0"


def copy_text(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows, all of one length, in COPY's text format; None is NULL.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    columns = [_cells(column) for column in zip(*rows, strict=True)]
    return "".join([f"{line}\n" for line in map("\t".join, zip(*columns, strict=True))]).encode()


def _cells(column: Sequence[Any]) -> list[str]:
    cells = [*map(str, column)]
    nothing = [place for place, value in enumerate(column) if value is None] if _WRITTEN_NONE in cells else ()
    cells = _escaped(cells)
    for place in nothing:
        cells[place] = _NOTHING
    return cells


def _escaped(cells: list[str]) -> list[str]:
    text = _BETWEEN.join(cells)
    found = [(character, escape) for character, escape in _ESCAPES if character in text]
    if not found:
        return cells
    for character, escape in found:
        text = text.replace(character, escape)
    escaped = text.split(_BETWEEN)
    # A cell that has one is refused by PostgreSQL. Until then it must not become two.
    return escaped if len(escaped) == len(cells) else [_escaped_by_itself(cell) for cell in cells]


def _escaped_by_itself(cell: str) -> str:
    for character, escape in _ESCAPES:
        cell = cell.replace(character, escape)
    return cell
