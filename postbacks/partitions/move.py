"""Makes the existing table of attempts the first partition of a partitioned one, beside live traffic.

No row is copied. One constraint is proven, which reads the table once without holding anybody up; then names are
exchanged, in milliseconds. Programs that ran before go on: they find the same table, and the same columns in it.
"""

# ruff: noqa: S608 -- names of tables are constants

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from psycopg2 import extensions

from postbacks.partitions.ahead import AHEAD, first_width
from postbacks.partitions.briefly import at_length, briefly
from postbacks.partitions.ranges import TABLE, newest_delivery
from postbacks.partitions.tables import FIRST, FITS, KEY, add_range, in_the_way, make_partitioned

TRIES: Final = 60  # Some minutes.
STEPS: Final = 5
# The first partition also takes the deliveries of the next partitions' time: meanwhile nothing can come beyond it, not
# even if the move is killed and only the sweep removes its constraint.
_ROOM: Final = 4

Say = Callable[[str], object]


class CannotMoveError(RuntimeError):
    """Something that somebody has added to the table would not survive."""


def start_partitioned(cursor: extensions.cursor) -> None:
    """Makes the table partitioned if it is empty, in the caller's transaction."""
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {TABLE})")
    if cursor.fetchone() == (False,) and not in_the_way(cursor):
        width = first_width(cursor)
        _exchange(cursor, newest_delivery(cursor) + width, width)


def move(connection: extensions.connection, say: Say) -> None:
    """Moves all attempts. `say` is told of each of the STEPS as it begins.

    Raises CannotMoveError before anything has changed, InTheWayError and psycopg2.Error with nothing left of the try.
    """
    say("looking at the table")
    with connection.cursor() as cursor:
        added = in_the_way(cursor)
        if added:
            raise CannotMoveError(
                f"Attempts cannot be partitioned with {', '.join(added)} on {TABLE}. Drop it, and create it again "
                "afterwards if the partitioned table allows it."
            )
        width = first_width(cursor)
        high = newest_delivery(cursor) + _ROOM * width
    try:
        say("noting a bound of its ids")
        briefly(connection, lambda cursor: _add_bound(cursor, high), TABLE, tries=TRIES)
        say("proving the bound, which reads the table once")
        at_length(connection, f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {FITS}")
        say("exchanging the names")
        briefly(connection, lambda cursor: _exchange(cursor, high, width), TABLE, tries=TRIES)
    except BaseException:
        if not connection.closed:
            briefly(connection, _drop_bound, TABLE, tries=TRIES)
        raise
    say("taking statistics")
    at_length(connection, f"ANALYZE {TABLE}")


def _exchange(cursor: extensions.cursor, high: int, width: int) -> None:
    make_partitioned(cursor, high)
    for number in range(AHEAD):
        add_range(cursor, high + number * width, high + (number + 1) * width, like=FIRST)


def _add_bound(cursor: extensions.cursor, high: int) -> None:
    cursor.execute(
        f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {FITS};"
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {FITS} CHECK ({KEY} < {high}) NOT VALID"
    )


def _drop_bound(cursor: extensions.cursor) -> None:
    cursor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {FITS}")
