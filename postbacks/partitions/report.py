"""What partitions there are and how large, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg2 import extensions

from postbacks.partitions.ranges import TABLE, Range, newest_delivery, ranges

_SIZES: Final = f"""
SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c
WHERE c.oid = '{TABLE}'::regclass OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '{TABLE}'::regclass)
"""  # noqa: S608 -- a constant


@dataclass(frozen=True, slots=True)
class Report:
    """`there` are the partitions in order, none where there is one table; `newest` is the highest id of a delivery."""

    there: list[Range]
    newest: int
    sizes: dict[str, int]  # Bytes with indexes, by table.

    @property
    def partitioned(self) -> bool:
        return bool(self.there)


def report(cursor: extensions.cursor) -> Report:
    there, newest = ranges(cursor), newest_delivery(cursor)
    cursor.execute(_SIZES)
    return Report(there, newest, dict(cursor.fetchall()))
