"""Statements beside live traffic: those that need a strong lock for some milliseconds, and those that take long.

Who waits for a strong lock holds up all that come after it. So it waits briefly, gives up, lets them pass, and tries
again later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import psycopg2
from psycopg2 import extensions

Result = TypeVar("Result")

LOCK_MS: Final = 50  # With what comes after it, still shorter than the recorder waits for a table.
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_HOLDERS = """
SELECT DISTINCT format('session %%s (%%s, since %%s)', a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'),
                       to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'))
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = to_regclass(%s) AND l.granted AND a.pid <> pg_backend_pid()
"""


class InTheWayError(RuntimeError):
    """Other sessions did not let go of a table."""


def briefly(
    connection: extensions.connection,
    work: Callable[[extensions.cursor], Result],
    table: str,
    *,
    tries: int,
    sleep: Callable[[float], object] = time.sleep,
) -> Result:
    """Runs `work` in a transaction that waits for no lock longer than LOCK_MS; repeats it if it had to wait longer.

    Raises InTheWayError, which names who holds `table`, after so many tries, and what `work` raises.
    """
    pause = _FIRST_PAUSE_SECONDS
    for left in reversed(range(tries)):
        try:
            return _once(connection, work)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
            if left:
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    raise InTheWayError(f"The table {table} is in use without a break by {_holders(connection, table)}.")


def at_length(connection: extensions.connection, statement: str) -> None:
    """Runs a statement that may take minutes and holds nobody up. Ctrl-C ends it."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
                cursor.execute(statement)
                cursor.execute("RESET statement_timeout; RESET lock_timeout")
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            failed.append(error)

    # libpq does not notice Ctrl-C while it waits for the server; this thread does.
    thread = threading.Thread(target=run, name="postbacks-partitions")
    thread.start()
    try:
        thread.join()
    except BaseException:
        connection.cancel()
        thread.join()
        raise
    if failed:
        raise failed[0]


def _once(connection: extensions.connection, work: Callable[[extensions.cursor], Result]) -> Result:
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL statement_timeout = 0")
        try:
            result = work(cursor)
            cursor.execute("COMMIT")
        except BaseException:
            if not connection.closed:
                cursor.execute("ROLLBACK")
            raise
    return result


def _holders(connection: extensions.connection, table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, (table,))
        return ", ".join(holder for (holder,) in cursor.fetchall()) or "sessions that have ended since"
