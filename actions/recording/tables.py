"""Adds rows to a table: a few with the next message to PostgreSQL, many by COPY.

Django's own bulk statements take three to five times as long for a few hundred rows, and for a single one as long again
to be put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from django.db import connection

from actions.recording.copying import copy_text
from actions.recording.messages import put_off, send
from actions.recording.planned import Planned

# From so many rows on COPY takes less than they take as values; but it is a message of its own, with an answer before
# the rows and one behind.
ROWS_TO_COPY: Final = 12
_BLOCK: Final = 1 << 16  # Of COPY's text, in bytes: eight times as much as psycopg2 sends at a time by itself.

Row = tuple[Any, ...]


class Table:
    """Where rows go: the table, and the columns in their order."""

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self.name, self.columns = name, ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        self._add_one = Planned(f"add_{name}_{len(columns)}", f"INSERT INTO {name} ({self.columns}) VALUES ({places})")  # noqa: S608 -- constants

    def add(self, rows: Sequence[Row]) -> None:
        """Add the rows: now if they are many, else as `put_off` says."""
        if len(rows) >= ROWS_TO_COPY:
            self.copy(rows)
        elif rows:
            put_off("; ".join([self._add_one.text] * len(rows)), [cell for row in rows for cell in row])

    def copy(self, rows: Sequence[Row]) -> None:
        """Add the rows now, by COPY."""
        text = copy_text(rows)
        send()
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.copy_expert(f"COPY {self.name} ({self.columns}) FROM STDIN", BytesIO(text), _BLOCK)
