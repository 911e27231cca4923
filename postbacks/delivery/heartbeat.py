"""The pulse: when what keeps everything going last did its work, as rows that anybody can look at.

`sweep` is written by each round of the sweep, so a worker process was alive, and reached the database, at that moment.
`beat` is written by a task that nobody but beat posts, `prune` by pruning that came to its end.
"""

from __future__ import annotations

from psycopg2 import extensions

SWEEP, BEAT, PRUNE = "sweep", "beat", "prune"

NOTE = """
INSERT INTO postbacks_pulse (name, at) VALUES (%s, now()) ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""
AGES = "SELECT name, extract(epoch FROM clock_timestamp() - at)::float FROM postbacks_pulse"


def note(cursor: extensions.cursor, name: str) -> None:
    """Writes that `name` was done now."""
    cursor.execute(NOTE, (name,))
