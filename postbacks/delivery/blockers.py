"""Who has locked what the engine must write: the sessions that hold locks for long, and what to do about them.

A session that was left open in the midst of a transaction keeps its locks until it ends. The engine works around them,
so nothing waits that the server could tell of; a row's `xmax` names the transaction that has locked it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import extensions

logger = logging.getLogger(__name__)

SHOWN = 5
LONG_SECONDS = 10  # Our own transactions take milliseconds, the longest of all, a part of an import, a few seconds.

_SESSION = """
a.pid, coalesce(nullif(a.application_name, ''), 'no name'), coalesce(a.usename, '?')::text,
coalesce(a.state, 'unknown'), extract(epoch FROM now() - a.xact_start)::float8
"""
# Of these deliveries: those that are locked, and by whom.
OF_ROWS = f"""
SELECT {_SESSION}, 'delivery ' || d.id || ' of postback ' || d.postback_id
FROM postbacks_delivery d
JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = d.xmax AND l.granted
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE d.id = ANY (%s) AND a.pid <> pg_backend_pid()
ORDER BY d.id
"""  # noqa: S608 -- a constant
# Deliveries that are being sent, and locked by one of these sessions.
OF_SENDING = f"""
SELECT {_SESSION}, 'delivery ' || d.id || ' of postback ' || d.postback_id
FROM postbacks_delivery d
JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = d.xmax AND l.granted
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE d.state = 'sending' AND l.pid = ANY (%s::int[])
ORDER BY d.id
"""  # noqa: S608 -- a constant
# Sessions whose transaction has held rows or tables of the engine for longer than so many seconds.
OF_TABLES = f"""
SELECT {_SESSION}, 'rows of ' || string_agg(DISTINCT c.relname, ', ' ORDER BY c.relname)
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.mode IN ('RowShareLock', 'RowExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                 'AccessExclusiveLock')
  AND (c.relname IN ('postbacks_delivery', 'postbacks_attempt', 'postbacks_lane', 'postbacks_postback',
                     'postbacks_tally', 'postbacks_rollup', 'postbacks_pulse', 'actions_action')
       OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('postbacks_attempt')))
  AND c.relnamespace = current_schema()::regnamespace
  AND a.xact_start < now() - make_interval(secs => %s) AND a.pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4, 5
ORDER BY 5 DESC
"""  # noqa: S608 -- a constant


class Blocker(NamedTuple):
    """A session of the database that has locked something of the engine's."""

    pid: int
    application: str
    user: str
    state: str
    seconds: float  # How long its transaction has been open.
    holds: str

    @property
    def described(self) -> str:
        """Which session, what it holds, and since when; for a log or a finding."""
        return (
            f"{self.holds}, locked by session {self.pid} ({self.application}, user {self.user}, {self.state}, "
            f"{self.seconds:.0f} s)"
        )


def read(rows: Iterable[Sequence[Any]]) -> list[Blocker]:
    """The answers to OF_ROWS and OF_TABLES."""
    return [Blocker(*row) for row in rows]


def log(connection: extensions.connection, deliveries: Sequence[int]) -> None:
    """Warns that outcomes of these deliveries cannot be recorded, and names those who have locked them."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(OF_ROWS, (list(deliveries),))
            found = read(cursor.fetchall())
            if not found:
                cursor.execute(OF_TABLES, (0,))
                found = read(cursor.fetchall())
    except psycopg2.errors.LockNotAvailable:  # The whole table is locked.
        found = []
    named = "; ".join(blocker.described for blocker in found[:SHOWN])
    logger.warning(
        "%d outcomes wait to be recorded, among them that of delivery %d, because their rows are locked. %s",
        len(deliveries),
        deliveries[0],
        f"{named}. End the session: SELECT pg_terminate_backend({found[0].pid})." if found else "By whom is not known.",
    )
