"""Which worker processes are alive, and what becomes of deliveries whose owner is not.

Each process holds an advisory lock of its own number on two connections, and loses it however it dies. It may also lose
it alive, when connections are cut. So an owner counts as dead only after its lock has been away for a while, and what
a living owner holds is never taken from it, however long that takes.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from weakref import WeakSet

from psycopg2 import extensions

from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.database import as_array
from postbacks.delivery.prepared import PreparedStatement

LAST_HOLDER = 2**31 - 1
# After PostgreSQL has started, or has restarted after a crash (with a new checkpointer), living processes need a moment
# to reconnect and take their locks again.
GRACE_SECONDS = 10
# A living process that has lost both connections has its lock again well within this time.
ABSENCE_SECONDS = 3

# Looked up once, not per row: reading pg_locks briefly stops all locking.
LIVING_OWNERS = """
SELECT DISTINCT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
HAS_SETTLED = """
SELECT now() > greatest(pg_postmaster_start_time(), (
    SELECT max(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'
)) + make_interval(secs => %s)
"""
# What is held by owners between the numbers of the living. `owner <> ALL` would read all that the living hold, and what
# they have held lately, twice in each second.
_OF_OTHERS = """
    SELECT id FROM unnest($1, $2) AS gap (above, below) CROSS JOIN LATERAL (
        SELECT id FROM postbacks_delivery
        WHERE state = 'sending' AND owner > gap.above AND owner < gap.below AND lease_until {when}
        FOR UPDATE SKIP LOCKED
    ) AS held
"""
# The first sweep that misses an owner shortens its leases; the owner lengthens them again when it is back.
_NOTE_ABSENCE = PreparedStatement(
    "note_absence",
    "bigint[], bigint[], float8",
    f"""
UPDATE postbacks_delivery SET lease_until = now() + make_interval(secs => $3)
WHERE id = ANY (ARRAY({_OF_OTHERS.format(when="> now() + make_interval(secs => $3)")}))
""",  # noqa: S608 -- made of constants
)
RECLAIM = f"""
UPDATE postbacks_delivery SET state = 'ready', owner = NULL, lease_until = NULL
WHERE id = ANY (ARRAY({_OF_OTHERS.format(when="< now()")}))
RETURNING postback_id
"""  # noqa: S608 -- as above
_RECLAIM = PreparedStatement("reclaim", "bigint[], bigint[]", RECLAIM)
# A server that starts anew ends its connections, so what was found on one holds as long as it does.
_settled: WeakSet[extensions.connection] = WeakSet()
RENEW = """
UPDATE postbacks_delivery SET lease_until = now() + make_interval(secs => %s)
WHERE id = ANY (ARRAY(
    SELECT id FROM postbacks_delivery WHERE state = 'sending' AND owner = %s FOR UPDATE SKIP LOCKED
))
"""
ENDING = """
SELECT id FROM postbacks_delivery
WHERE state = 'sending' AND owner = %s AND lease_until < now() + make_interval(secs => %s)
"""
EXTEND = """
UPDATE postbacks_delivery SET lease_until = now() + make_interval(secs => %s)
WHERE id = ANY (ARRAY(
    SELECT id FROM postbacks_delivery WHERE id = ANY (%s) AND state = 'sending' AND owner = %s FOR UPDATE SKIP LOCKED
))
"""
GIVE_BACK = """
UPDATE postbacks_delivery SET state = 'ready', owner = NULL, lease_until = NULL
WHERE id = ANY (ARRAY(
    SELECT id FROM postbacks_delivery WHERE id = ANY (%s) AND state = 'sending' AND owner = %s FOR UPDATE SKIP LOCKED
))
"""

# How many processes are alive, for monitoring; takes LEASE_LOCKS.
LIVING = """
SELECT count(DISTINCT objid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def new_holder() -> int:
    """A random number for this process, from the range that an advisory lock can tell apart."""
    return secrets.randbelow(LAST_HOLDER) + 1


def announce(connection: extensions.connection, holder: int) -> None:
    """Takes the process's lock for as long as the connection lasts.

    It is a shared lock, so that it is granted while the server still holds it for an earlier connection that broke.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", (LEASE_LOCKS, holder))


def renew(cursor: extensions.cursor, holder: int, seconds: float) -> None:
    """Lengthens the leases of all that `holder` holds, once it has its lock again."""
    cursor.execute(RENEW, (seconds, holder))


def keep(cursor: extensions.cursor, holder: int, held: Collection[int], seconds: float) -> int:
    """Lengthens leases of `holder` that are about to end. Gives back what it does not know of; returns how many.

    `held` are the ids that the process has claimed and not yet recorded. It does not know of a claim whose answer was
    lost on the way.
    """
    cursor.execute(ENDING, (holder, seconds / 4))
    ending = [pk for (pk,) in cursor.fetchall()]
    if not ending:
        return 0
    cursor.execute(EXTEND, (seconds, [pk for pk in ending if pk in held], holder))
    cursor.execute(GIVE_BACK, ([pk for pk in ending if pk not in held], holder))
    return int(cursor.rowcount)


def plan(cursor: extensions.cursor) -> None:
    """Prepares what `reclaim` needs, on a new connection, outside of a transaction."""
    _NOTE_ABSENCE.make_known(cursor)
    _RECLAIM.make_known(cursor)


def reclaim(cursor: extensions.cursor) -> set[int]:
    """Makes the deliveries of dead workers ready again, once they have been away for ABSENCE_SECONDS; returns their
    lanes. The connection is one that `plan` has prepared."""
    if cursor.connection not in _settled:
        cursor.execute(HAS_SETTLED, (GRACE_SECONDS,))
        if cursor.fetchone() != (True,):
            return set()
        _settled.add(cursor.connection)
    cursor.execute(LIVING_OWNERS, (LEASE_LOCKS,))
    living = sorted(owner for (owner,) in cursor.fetchall())
    gaps = as_array([0, *living]), as_array([*living, LAST_HOLDER + 1])
    cursor.execute(f"{_NOTE_ABSENCE.execute}; {_RECLAIM.execute}", (*gaps, ABSENCE_SECONDS, *gaps))
    return {postback_id for (postback_id,) in cursor.fetchall()}
