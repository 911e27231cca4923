"""Which worker processes are alive. Each holds an advisory lock in the database and loses it however it dies."""

from __future__ import annotations

import secrets

from psycopg2 import extensions

from postbacks.advisory_locks import LEASE_LOCKS

# After PostgreSQL has started, or has restarted after a crash (with a new checkpointer), living processes need a moment
# to reconnect and take their locks again.
GRACE_SECONDS = 10

# The living are looked up once, not per row: reading pg_locks briefly stops all locking.
RECLAIM = """
UPDATE postbacks_delivery SET state = 'ready', owner = NULL, lease_until = NULL
WHERE id = ANY (ARRAY(
    SELECT id FROM postbacks_delivery
    WHERE state = 'sending' AND (lease_until < now() OR (
        now() > greatest(pg_postmaster_start_time(), (
            SELECT max(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'
        )) + make_interval(secs => %s)
        AND owner <> ALL (ARRAY(
            SELECT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ))
    ))
    FOR UPDATE SKIP LOCKED
))
RETURNING postback_id
"""

# How many processes are alive, for monitoring; takes LEASE_LOCKS.
LIVING = """
SELECT count(DISTINCT objid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def new_holder() -> int:
    """A random number for this process, from the range that an advisory lock can tell apart."""
    return secrets.randbelow(2**31 - 1) + 1


def announce(connection: extensions.connection, holder: int) -> None:
    """Takes the process's lock for as long as the connection lasts.

    It is a shared lock, so that it is granted while the server still holds it for an earlier connection that broke.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", (LEASE_LOCKS, holder))


def reclaim(cursor: extensions.cursor) -> set[int]:
    """Makes the deliveries of dead or stalled workers ready again; returns their lanes."""
    cursor.execute(RECLAIM, (GRACE_SECONDS, LEASE_LOCKS))
    return {postback_id for (postback_id,) in cursor.fetchall()}
