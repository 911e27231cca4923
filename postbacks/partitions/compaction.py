"""Gives back the room of deleted texts: an old partition is replaced by a copy of it without them.

Nothing is inserted into an old partition any more, so the room that an update leaves there would never be used again.
"""

# ruff: noqa: S608 -- names of tables and columns are constants or come from the catalog

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from psycopg2 import extensions

from postbacks.partitions.briefly import briefly
from postbacks.partitions.copying import COPY, begin, give_up, purpose, steps
from postbacks.partitions.ranges import REST, TABLE, Range
from postbacks.partitions.tables import FITS, KEY

# Scheme and host of the URL stay; path and query contain values.
BLANK: Final = {
    "request_headers": "''",
    "request_body": "''",
    "response_headers": "''",
    "response_body": "''",
    "url": "coalesce(substring(url FROM '^[^:/?#]+://[^/?#]*'), '')",
}
COMPACT: Final = "compaction"
_DONE: Final = "texts deleted"
_TRIES: Final = 6
_SMALL_BYTES: Final = 16 * 2**20  # As much of REST is read within milliseconds, when the copy takes its place.

_WORTHWHILE = f"""
SELECT obj_description(%s::regclass, 'pg_class') IS DISTINCT FROM '{_DONE}'
   AND pg_total_relation_size(%s) > 0 AND pg_relation_size('{REST}') < {_SMALL_BYTES}
"""


def is_worthwhile(cursor: extensions.cursor, old: Range) -> bool:
    """Whether the partition still has the room of its texts. It waits as long as a copy is used for something else."""
    begun = purpose(cursor)
    if begun is not None and begun[0] != COMPACT:
        return False
    cursor.execute(_WORTHWHILE, (old.table, old.table))
    return cursor.fetchone() == (True,)


def compact(connection: extensions.connection, old: Range, before: datetime) -> Iterator[None]:
    """Replaces a partition by one without the texts of attempts that began `before`; yields after each step.

    If it is not run to its end, the partition stays as it was. Raises InTheWayError where somebody uses it without a
    break.
    """
    briefly(connection, lambda cursor: _begin(cursor, old), old.table, tries=_TRIES)
    try:
        with connection.cursor() as cursor:
            limit = cursor.mogrify("%s", (before,)).decode()
        blank = {name: f"CASE WHEN started_at < {limit} THEN {value} ELSE {name} END" for name, value in BLANK.items()}
        for _ in steps(connection, old.table, COMPACT, replaced=blank):
            yield
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {COPY}")
        briefly(connection, lambda cursor: _replace(cursor, old), TABLE, tries=_TRIES)
    except BaseException:
        if not connection.closed:
            briefly(connection, give_up, TABLE, tries=_TRIES)
        raise


def _begin(cursor: extensions.cursor, old: Range) -> None:
    give_up(cursor)  # What an earlier run left that was killed.
    begin(cursor, old.table, COMPACT)
    low = f"{KEY} >= {old.low} AND " if old.low else ""
    cursor.execute(f"ALTER TABLE {COPY} ADD CONSTRAINT {FITS} CHECK ({low}{KEY} < {old.high})")


def _replace(cursor: extensions.cursor, old: Range) -> None:
    cursor.execute(
        f"ALTER TABLE {TABLE} DETACH PARTITION {old.table};"
        f"DROP TABLE {old.table}; ALTER TABLE {COPY} RENAME TO {old.table};"
        f"ALTER TABLE {TABLE} ATTACH PARTITION {old.table}"
        f" FOR VALUES FROM ({old.low or 'MINVALUE'}) TO ({old.high});"
        f"ALTER TABLE {old.table} DROP CONSTRAINT {FITS}; COMMENT ON TABLE {old.table} IS '{_DONE}';"
        "DROP FUNCTION postbacks_mirror_attempt()"
    )
