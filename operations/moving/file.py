"""The file of an account: a line of JSON about it, then for each table a line of JSON and its rows, as COPY has them.

Each row is a line, as COPY escapes line breaks. The last line says that the file is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any

import orjson
import psycopg2

from operations.moving.rows import KINDS, Kind

END = b'{"end":true}\n'
_HELD = 'CREATE TEMPORARY TABLE held ON COMMIT DROP AS SELECT {columns} FROM "{table}" WITH NO DATA'
_TAKE_OVER = 'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM held ON CONFLICT (id) DO NOTHING'


class UnreadableFileError(ValueError):
    """A file is none of these, is not whole, or is of another release; the text says which."""


@dataclass(frozen=True, slots=True)
class About:
    """Of which account a file is. `last_event` is the highest id of an event at that moment, `sealed` a text that only
    those can read who have the key of its secrets."""

    account: str
    programs: list[int]
    last_event: int
    migrations: list[str]
    sealed: str


def write(cursor: Any, about: About, file: IO[bytes]) -> dict[str, int]:
    """Writes all rows as the cursor's transaction sees them; returns how many there are in each table."""
    file.write(orjson.dumps(asdict(about), option=orjson.OPT_APPEND_NEWLINE))
    counts = {}
    values = {"programs": about.programs, "account": about.account}
    for kind in KINDS:
        chosen = ", ".join(kind.instead.get(name, f'"{name}"') for name in kind.columns)
        rows = cursor.mogrify(f'SELECT {chosen} FROM "{kind.table}" WHERE {kind.which}', values).decode()  # noqa: S608
        cursor.execute(f"SELECT count(*) FROM ({rows}) AS counted")  # noqa: S608 -- made of constants and numbers
        (counts[kind.table],) = cursor.fetchone()
        head = {"table": kind.table, "columns": kind.columns, "rows": counts[kind.table]}
        file.write(orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE))
        cursor.copy_expert(f"COPY ({rows}) TO STDOUT", file)
    file.write(END)
    return counts


def about(file: IO[bytes]) -> About:
    """Reads the first line. Raises UnreadableFileError."""
    try:
        return About(**orjson.loads(file.readline()))
    except (orjson.JSONDecodeError, TypeError):
        raise UnreadableFileError("It is no file of `move_account --out`.") from None


def read(cursor: Any, file: IO[bytes]) -> dict[str, int]:
    """Reads all tables into the database, after `about`; returns how many rows were in each. Raises
    UnreadableFileError; the transaction is then to be rolled back."""
    counts = {}
    for kind in KINDS:
        head = _head(file, kind)
        rows = _Rows(file, head["rows"], kind.table)
        columns = ", ".join(f'"{name}"' for name in head["columns"])
        try:
            _copy(cursor, kind, columns, rows)
        except psycopg2.Error as error:
            said = rows.trouble or f"The rows of {kind.table} cannot be read: {str(error).strip()}"
            raise UnreadableFileError(said) from error
        counts[kind.table] = head["rows"]
    if file.readline() != END:
        raise UnreadableFileError("Its end is missing. Write it again.")
    return counts


def _head(file: IO[bytes], kind: Kind) -> Mapping[str, Any]:
    try:
        head = orjson.loads(file.readline())
    except orjson.JSONDecodeError:
        raise UnreadableFileError(f"It ends before the rows of {kind.table}. Write it again.") from None
    if head.get("table") != kind.table or sorted(head["columns"]) != sorted(kind.columns):
        raise UnreadableFileError(f"The rows of {kind.table} are of another release. Write it with this one.")
    return dict(head)


def _copy(cursor: Any, kind: Kind, columns: str, rows: _Rows) -> None:
    table = "held" if kind.shared else kind.table
    if kind.shared:
        cursor.execute(_HELD.format(columns=columns, table=kind.table))
    cursor.copy_expert(f'COPY "{table}" ({columns}) FROM STDIN', rows)
    if kind.shared:
        cursor.execute(_TAKE_OVER.format(columns=columns, table=kind.table))
        cursor.execute("DROP TABLE held")


class _Rows:
    """So many lines of a file, as a file of their own. `trouble` says what was wrong with them."""

    def __init__(self, file: IO[bytes], count: int, table: str) -> None:
        self.trouble = ""
        self._file = file
        self._left = count
        self._table = table

    def read(self, _size: int = -1) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        line = self._file.readline()
        if not line.endswith(b"\n"):
            self.trouble = f"It ends within the rows of {self._table}. Write it again."
            raise UnreadableFileError(self.trouble)
        return line
