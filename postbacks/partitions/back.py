"""Makes the attempts one table again, beside live traffic.

As long as one partition holds all rows, it takes the place of the whole within milliseconds. Later all rows are copied
in steps, which needs as much disk again until the end.
"""

# ruff: noqa: S608 -- names of tables and indexes come from the catalog

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from psycopg2 import extensions

from postbacks.partitions.briefly import at_length, briefly
from postbacks.partitions.copying import COPY, begin, give_up, purpose, steps
from postbacks.partitions.move import TRIES
from postbacks.partitions.ranges import REST, TABLE, columns, newest_delivery, ranges
from postbacks.partitions.tables import grants, let_go_of_sequence, own_sequence

BACK: Final = "back"

# The same indexes of both tables, by what follows their names.
_NAMES = """
SELECT mine.name, theirs.name FROM (
    SELECT c.relname AS name, substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*$') AS what
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass
) mine JOIN (
    SELECT c.relname AS name, substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*$') AS what
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass
) theirs USING (what)
"""
_PRIMARY = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND indisprimary"

Tell = Callable[[int, int], object]  # The id of a delivery that the copy has come to, and the highest.


def back(connection: extensions.connection, tell: Tell) -> None:
    """Makes one table of all partitions; goes on with a copy that was interrupted.

    Raises InTheWayError, and psycopg2.Error; both leave the partitions, and the copy as far as it has come.
    """
    if briefly(connection, _if_one_has_all, TABLE, tries=TRIES):
        return
    with connection.cursor() as cursor:
        begun = purpose(cursor)
        stale = begun is not None and (begun[0] != BACK or columns(cursor) != columns(cursor, COPY))
    if stale:
        briefly(connection, give_up, TABLE, tries=TRIES)
        begun = None
    if begun is None:
        briefly(connection, lambda cursor: begin(cursor, TABLE, BACK), TABLE, tries=TRIES)
    for _, up_to in steps(connection, TABLE, BACK, after=begun[1] if begun else 0):
        with connection.cursor() as cursor:
            tell(up_to, newest_delivery(cursor))
    at_length(connection, f"ANALYZE {COPY}")
    briefly(connection, lambda cursor: _take_its_place(cursor, COPY, attached=False), TABLE, tries=TRIES)


def _if_one_has_all(cursor: extensions.cursor) -> bool:
    if purpose(cursor) is not None:
        return False
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    there = [*(each.table for each in ranges(cursor)), REST]  # That of the rest alone, once all ranges are dropped.
    full = []
    for table in there:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
        if cursor.fetchone() == (True,):
            full.append(table)
    if len(full) > 1:
        return False
    _take_its_place(cursor, full[0] if full else there[0], attached=True)
    return True


def _take_its_place(cursor: extensions.cursor, table: str, *, attached: bool) -> None:
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(_NAMES, (table, TABLE))
    names = cursor.fetchall()
    cursor.execute(_PRIMARY, (table,))
    names += [(name, f"{TABLE}_pkey") for (name,) in cursor.fetchall()]
    granted = grants(cursor)
    let_go_of_sequence(cursor)
    if attached:
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {table}")
    cursor.execute(
        f"DROP TABLE {TABLE}; DROP FUNCTION IF EXISTS postbacks_mirror_attempt();"
        f"COMMENT ON TABLE {table} IS NULL; ALTER TABLE {table} RENAME TO {TABLE}"
    )
    for mine, theirs in names:
        if mine != theirs:
            cursor.execute(f'ALTER INDEX "{mine}" RENAME TO "{theirs}"')
    own_sequence(cursor)
    for statement in granted:
        cursor.execute(statement)
