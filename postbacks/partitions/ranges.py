"""What partitions there are, as PostgreSQL's own catalog says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from psycopg2 import extensions

TABLE: Final = "postbacks_attempt"
# What no range holds: attempts of deliveries that outlived their range, and of ids for which none was made in time.
REST: Final = "postbacks_attempt_rest"

_IS_PARTITIONED = f"SELECT relkind = 'p' FROM pg_class WHERE oid = '{TABLE}'::regclass"  # noqa: S608 -- a constant
_PARTITIONS = f"""
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = '{TABLE}'::regclass
"""  # noqa: S608 -- a constant
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
_NEWEST = """
SELECT greatest(
    (SELECT max(id) FROM postbacks_delivery),
    pg_sequence_last_value(pg_get_serial_sequence('postbacks_delivery', 'id')::regclass), 0
)
"""
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(?P<low>\d+)')\) TO \('(?P<high>\d+)'\)")


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """A partition: the attempts of the deliveries with ids from `low` (inclusive; 0 is the first) to `high`."""

    low: int
    high: int
    table: str

    @property
    def width(self) -> int:
        return self.high - self.low


def is_partitioned(cursor: extensions.cursor) -> bool:
    cursor.execute(_IS_PARTITIONED)
    return cursor.fetchone() == (True,)


def ranges(cursor: extensions.cursor) -> list[Range]:
    """All partitions but REST, in order; none where the table is not partitioned."""
    cursor.execute(_PARTITIONS)
    return sorted(found for table, bound in cursor.fetchall() if (found := read_range(table, bound)) is not None)


def read_range(table: str, bound: str) -> Range | None:
    """The range that PostgreSQL describes so; None for the partition that holds the rest."""
    found = _BOUNDS.fullmatch(bound)
    return Range(int(found["low"] or 0), int(found["high"]), table) if found else None


def columns(cursor: extensions.cursor, table: str = TABLE) -> str:
    """The columns of the table, as SQL lists them."""
    cursor.execute(_COLUMNS, (table,))
    (listed,) = cursor.fetchone() or ("",)
    return str(listed)


def newest_delivery(cursor: extensions.cursor) -> int:
    """The highest id that a delivery has been given, also one that is not committed yet, or gone; 0 where none was."""
    cursor.execute(_NEWEST)
    (newest,) = cursor.fetchone() or (0,)
    return int(newest)
