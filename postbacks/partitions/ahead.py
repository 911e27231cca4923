"""Makes partitions before they are needed. The sweep's slow round asks each half minute whether some are.

Were none made for long, attempts would go to REST, which takes all that no range holds: an insert never fails.
"""

# ruff: noqa: S608 -- names of tables are constants or come from the catalog

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from django.conf import settings
from psycopg2 import extensions

from postbacks.advisory_locks import PRUNE_LOCK
from postbacks.partitions.briefly import LOCK_MS
from postbacks.partitions.ranges import REST, TABLE, Range, is_partitioned, newest_delivery, ranges
from postbacks.partitions.tables import FITS, KEY, add_range

AHEAD: Final = 3  # Partitions beyond the one that is being filled: minutes at the highest speed that we have measured.
LEAST_WIDTH = 1_000_000  # Ids; tests and benchmarks set fewer.
MOST_WIDTH: Final = 100_000_000
# Where ids have come beyond all partitions, new ones begin so many widths further: until then they go to REST, also if
# somebody keeps the sweep from it for long.
_BEYOND: Final = 10
MOST_STEPS: Final = 20  # In one round.
# Pages of the log look into each partition, so there are to be no more than a few dozen.
PARTS: Final = 32
_FOREVER_DAYS: Final = 3_650  # What is kept for ever is divided as if it were kept so long.
_DAY_SECONDS: Final = 86_400.0
_MOST_CHANGE: Final = 4.0  # Of the width from one partition to the next: a burst is no trend.
_SMALL_BYTES: Final = 16 * 2**20  # So much is read within milliseconds.

_MADE_AT = "SELECT id, created_at FROM postbacks_delivery WHERE id >= %s ORDER BY id LIMIT 1"
_EDGES = """
SELECT d.id, d.created_at FROM postbacks_delivery d
WHERE d.id = (SELECT min(id) FROM postbacks_delivery) OR d.id = (SELECT max(id) FROM postbacks_delivery) ORDER BY d.id
"""
_LEFT_OVER = f"SELECT 1 FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND conname = '{FITS}'"
_PROOFS = f"SELECT conname, convalidated FROM pg_constraint WHERE conrelid = '{REST}'::regclass AND conname LIKE 'no_%'"
_PROOF = re.compile(r"no_(\d+)_to_(\d+)")


def make_ahead(cursor: extensions.cursor) -> bool:
    """Does the next step towards enough partitions, in the caller's transaction; false: nothing is left to do.

    Raises psycopg2.errors.LockNotAvailable where somebody reads REST; the next round tries again.
    """
    cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
    if not is_partitioned(cursor):
        _clear_up(cursor)
        return False
    there, newest = ranges(cursor), newest_delivery(cursor)
    needed = next_range(there, newest, _factor(cursor, there, newest))
    if needed is None:
        return False
    if not _rest_is_small(cursor):
        proof = _proof(cursor, needed)
        if proof is None:
            return True
        needed = proof
    add_range(cursor, *needed, like=there[-1].table if there else REST)
    cursor.execute(f"ALTER TABLE {REST} DROP CONSTRAINT IF EXISTS no_{needed[0]}_to_{needed[1]}")
    return True


def next_range(there: list[Range], newest: int, factor: float) -> tuple[int, int] | None:
    """The bounds of the next partition to be made, if one is to be; `factor` changes the width of the last."""
    if not there:
        return newest + _BEYOND * LEAST_WIDTH, newest + (_BEYOND + 1) * LEAST_WIDTH
    last = there[-1]
    if last.high - newest > AHEAD * last.width:
        return None
    width = _within(round(last.width * factor))
    # Beyond what may be in REST already, and what may go there until the partition is there.
    low = last.high if newest < last.high - last.width // 2 else newest + _BEYOND * LEAST_WIDTH
    return low, low + width


def width_from(ids: int, seconds: float) -> int:
    """The width of partitions where so many ids were given out in so many seconds."""
    return _within(int(ids / max(seconds, 7 * _DAY_SECONDS) * target_seconds()))


def first_width(cursor: extensions.cursor) -> int:
    """The width to begin with, from all deliveries that there are."""
    cursor.execute(_EDGES)
    edges: list[tuple[int, datetime]] = cursor.fetchall()
    if len(edges) < 2:
        return LEAST_WIDTH
    (low, first), (high, last) = edges
    return width_from(high - low, (last - first).total_seconds())


def target_seconds() -> float:
    """The time that a partition is to hold: a day, or more where deliveries are kept for long."""
    kept = settings.POSTBACKS_DELIVERIES_KEPT_DAYS or _FOREVER_DAYS
    return max(1.0, kept / PARTS) * _DAY_SECONDS


def _within(width: int) -> int:
    return max(LEAST_WIDTH, min(width, MOST_WIDTH))


def _factor(cursor: extensions.cursor, there: list[Range], newest: int) -> float:
    """How much wider than the last partition that is full the next ones are to be, by how fast it filled."""
    full = [each for each in there if each.low > 0 and each.high <= newest]
    if not full or full[-1].width != there[-1].width:
        return 1.0  # Those that were made since have another width already, and show first what it comes to.
    edges: list[tuple[int, datetime]] = []
    for edge in (full[-1].low, full[-1].high):
        cursor.execute(_MADE_AT, (edge,))
        edges += cursor.fetchall()
    if len(edges) < 2 or edges[0][0] >= full[-1].high:
        return 1.0  # Its deliveries are gone.
    (_, began), (_, ended) = edges
    seconds = max((ended - began).total_seconds(), 1.0)
    return min(max(target_seconds() / seconds, 1 / _MOST_CHANGE), _MOST_CHANGE)


def _rest_is_small(cursor: extensions.cursor) -> bool:
    cursor.execute(f"SELECT pg_relation_size('{REST}') < %s", (_SMALL_BYTES,))
    return cursor.fetchone() == (True,)


def _proof(cursor: extensions.cursor, needed: tuple[int, int]) -> tuple[int, int] | None:
    """The bounds of a range of which a constraint proves that REST has none; works towards one where there is none.

    Without it, PostgreSQL would read REST under a strong lock to make the partition.
    """
    cursor.execute(_PROOFS)
    found = cursor.fetchone()
    if found is None:
        low, high = needed
        cursor.execute(
            f"ALTER TABLE {REST} ADD CONSTRAINT no_{low}_to_{high}"
            f" CHECK (NOT ({KEY} IS NOT NULL AND {KEY} >= {low}::bigint AND {KEY} < {high}::bigint)) NOT VALID"
        )
        return None
    name, valid = found
    if not valid:
        cursor.execute(f"ALTER TABLE {REST} VALIDATE CONSTRAINT {name}")
        return None
    bounds = _PROOF.fullmatch(name)
    return (int(bounds[1]), int(bounds[2])) if bounds else needed


def _clear_up(cursor: extensions.cursor) -> None:
    """Removes what a move left that was killed: one day it would refuse attempts."""
    cursor.execute(_LEFT_OVER)
    if cursor.fetchone() is None:
        return
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", PRUNE_LOCK)
    if cursor.fetchone() == (True,):  # Otherwise the move is still under way.
        cursor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {FITS}")
