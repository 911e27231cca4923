"""The attempts in one table or in partitions, and partitions as narrow as a benchmark needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import rows
from postbacks import database
from postbacks.partitions import ahead
from postbacks.partitions.back import back
from postbacks.partitions.briefly import briefly
from postbacks.partitions.move import move, start_partitioned
from postbacks.partitions.ranges import TABLE, is_partitioned


def arrange(*, partitioned: bool) -> None:
    """Puts the attempts into one table, or into partitions."""
    engine = database.connect("benchmark")
    with engine.cursor() as cursor:
        there = is_partitioned(cursor)
    if there and not partitioned:
        back(engine, lambda *_: None)
    elif partitioned and not there:
        briefly(engine, start_partitioned, TABLE, tries=1)
        with engine.cursor() as cursor:
            there = is_partitioned(cursor)
        if not there:
            move(engine, lambda _: None)
    engine.close()


@contextmanager
def width(ids: int) -> Iterator[None]:
    """Partitions of so many ids at least, and the table anew afterwards."""
    before, ahead.LEAST_WIDTH = ahead.LEAST_WIDTH, ids
    try:
        rows.clear()
        arrange(partitioned=False)
        yield
    finally:
        ahead.LEAST_WIDTH = before
