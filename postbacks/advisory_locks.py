"""The advisory locks that our processes hold in the database. Each number is "pb" in ASCII, so that it collides with no
other program's, and a purpose. Processes of different versions run side by side, so a number keeps its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2 import extensions

LEASE_LOCKS = 0x7062_0001  # The first of two keys; the second is the worker process's own number.
SWEEP_LOCK = (0x7062_0002, 0)
FOLD_LOCK = (0x7062_0003, 0)  # For the roll-ups.
PRUNE_LOCK = (0x7062_0004, 0)
NOTICES_LOCK = (0x7062_0010, 0)  # For looking for what operators are to be told.


@contextmanager
def held(connection: extensions.connection, lock: tuple[int, int]) -> Iterator[bool]:
    """Tries to take the lock for the connection, and yields whether it got it. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
        got = cursor.fetchone() == (True,)
    try:
        yield got
    finally:
        if got:
            # At once: the server frees what a closed connection held only a moment later. A broken one frees it, too.
            with suppress(psycopg2.Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
