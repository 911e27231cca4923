"""The partitions of attempts: whether there are enough for what comes, and whether a move was left half way."""

from __future__ import annotations

from operations.asking import Asker
from operations.doctor.finding import Finding, fine, warning
from postbacks.partitions.copying import COPY
from postbacks.partitions.ranges import REST, TABLE, read_range

LARGE_BYTES = 10_000_000_000
# By relation: its bound, whether it is the whole, and its size without indexes.
_LOOK = f"""
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), c.relkind = 'p', pg_relation_size(c.oid) FROM pg_class c
WHERE c.oid = '{TABLE}'::regclass OR c.oid = to_regclass('{COPY}')
   OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '{TABLE}'::regclass)
"""  # noqa: S608 -- constants
_NEWEST = "SELECT coalesce(max(id), 0) FROM postbacks_delivery"


def look_at_partitions(asker: Asker) -> Finding:
    """Raises psycopg2.OperationalError if the database does not answer in time."""
    tables = asker.ask(_LOOK)
    ((newest,),) = asker.ask(_NEWEST)
    whole, size = next((whole, size) for name, _, whole, size in tables if name == TABLE)
    highs = [found.high for name, bound, _, _ in tables if bound and (found := read_range(name, bound))]
    return judge_partitions(
        partitioned=whole,
        size=size,
        high=max(highs, default=0),
        newest=newest,
        copying=any(name == COPY for name, *_ in tables),
    )


def judge_partitions(*, partitioned: bool, size: int, high: int, newest: int, copying: bool) -> Finding:
    """Judges by the size of the one table, or by the bound of the last partition and the newest delivery's id."""
    if copying:
        return warning(
            f"Attempts are written twice, to {TABLE} and {COPY}: `partition_tables --back` or pruning was stopped.",
            "Run `python manage.py partition_tables --back` to its end, or `python manage.py partition_tables` to stay "
            "with partitions. If `python manage.py prune` is running, it will end this.",
        )
    if not partitioned:
        if size < LARGE_BYTES:
            return fine("Attempts are in one table, which is small enough.")
        return warning(
            f"Attempts are in one table of {size / 1e9:,.0f} GB, which is pruned row by row.",
            "Move them into partitions beside live traffic: `python manage.py partition_tables`.",
        )
    if newest >= high:
        return warning(
            f"The newest deliveries have no partition for their attempts, which go to {REST}.",
            "Workers make partitions every half minute: look for *sweep* in their log, and for sessions that keep "
            f"{REST} locked.",
        )
    return fine(f"Partitions of attempts are there for the next {high - 1 - newest:,} deliveries.")
