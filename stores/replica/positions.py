"""Positions in the log of PostgreSQL's changes, and the statements that tell them."""

from __future__ import annotations

from typing import Final

# What the primary has written, and its clock.
PRIMARY: Final = "SELECT pg_current_wal_lsn()::text, extract(epoch FROM clock_timestamp())::float"
# Whether it is a replica, what it has replayed, and the primary's clock at the last commit of that.
REPLICA: Final = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text,
       extract(epoch FROM pg_last_xact_replay_timestamp())::float
"""
SYSTEM: Final = "SELECT system_identifier FROM pg_control_system()"
# What is committed now ends before it, also what the primary has not yet written to its disk.
COMMITTED: Final = "SELECT pg_current_wal_insert_lsn()::text"
REPLAYED: Final = "SELECT pg_last_wal_replay_lsn()::text"

BEHIND: Final = "It is more than {:g} s behind (DATABASE_REPLICA_MAX_LAG_SECONDS)."


def position(text: str) -> int:
    """A position such as `0/16B3748` as a number, of which a later one is greater."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
