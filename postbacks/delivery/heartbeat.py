"""The pulse: when each background job last did its work, as rows that any process can read.

Each round of the sweep writes `sweep`: at that moment a worker process was alive and reached the database. A task that
only beat posts writes `beat`; pruning writes `prune` when it has finished.
"""

from __future__ import annotations

from psycopg2 import extensions

SWEEP, BEAT, PRUNE = "sweep", "beat", "prune"

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
