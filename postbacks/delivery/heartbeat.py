"""The pulse: when each background job last did its work, as rows that any process can read.

Each round of the sweep writes `sweep`: at that moment a worker process was alive and reached the database. A task that
only beat posts writes `beat`; pruning writes `prune` when it has finished. Each worker process writes `claim`, with its
number, when a drain has looked for what is due, and `record` when outcomes were recorded: what the sweep does not show.
"""

from __future__ import annotations

import time
from contextlib import suppress

from psycopg2 import errors, extensions

SWEEP, BEAT, PRUNE = "sweep", "beat", "prune"
CLAIM, RECORD = "claim", "record"  # Followed by a process's number.
PROBE = "probe"  # Of readiness, to see whether the database takes writes.

# The pulse is read in minutes; more often it would only cost.
NOTED_EVERY_SECONDS = 1.0
# Somebody's lock on this table must not hold up what the pulse is about.
LOCK_MS = 100

NOTE = """
UPDATE postbacks_pulse SET at = now()
WHERE name = ANY (ARRAY(SELECT name FROM postbacks_pulse WHERE name = %s FOR NO KEY UPDATE SKIP LOCKED))
"""
FIRST = "INSERT INTO postbacks_pulse (name, at) VALUES (%s, now()) ON CONFLICT (name) DO NOTHING"
AGES = "SELECT name, extract(epoch FROM clock_timestamp() - at)::float FROM postbacks_pulse"


def note(cursor: extensions.cursor, name: str) -> None:
    """Records that `name` was done now, unless somebody else has locked its row."""
    cursor.execute(NOTE, (name,))
    if not cursor.rowcount:
        cursor.execute(FIRST, (name,))


class ProcessPulse:
    """One of the pulses of a worker process, noted at most once a second, on an autocommit connection."""

    def __init__(self, name: str, holder: int) -> None:
        self._name = f"{name} {holder}"
        self._again_at = 0.0  # On the monotonic clock.

    def note(self, cursor: extensions.cursor) -> None:
        """Records that it was done now. Raises psycopg2.Error, but not for a lock on the table."""
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + NOTED_EVERY_SECONDS
            with suppress(errors.LockNotAvailable):
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}; {NOTE}", (self._name,))
                if not cursor.rowcount:
                    cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}; {FIRST}", (self._name,))


# Of processes that have ended; their numbers do not come again.
FORGET_ENDED = """
DELETE FROM postbacks_pulse WHERE (name LIKE 'claim %' OR name LIKE 'record %') AND at < now() - interval '1 hour'
"""
