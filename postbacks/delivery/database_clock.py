"""The database's clock in a worker process, whose own may be off: all other times of a delivery are the database's.

A process whose clock is off says so in the name of the connection that claims, which doctor reads.
"""

from __future__ import annotations

import socket
import time

from psycopg2 import extensions

from postbacks.delivery.remote_clock import RemoteClock

LEARN_EVERY_SECONDS = 30
WORTH_A_WORD_SECONDS = 0.5
NAME = "postbacks claim"
_ASK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_NAME_LENGTH = 63  # PostgreSQL cuts what is longer.

OFF = f"""
SELECT DISTINCT substring(application_name FROM '^{NAME}, (.*)$') FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE '{NAME}, %%'
"""  # noqa: S608 -- made of constants


class DatabaseClock:
    """Learns on the thread that claims; any thread may ask."""

    def __init__(self) -> None:
        self._clock = RemoteClock()
        self._learn_at = 0.0
        # Between the two clocks, as learnt last: read for each request, so computed before.
        self._difference = time.time() - time.monotonic()

    def learn(self, cursor: extensions.cursor) -> None:
        """Compares the clocks, every LEARN_EVERY_SECONDS. Raises psycopg2.Error."""
        asked = time.monotonic()
        if asked < self._learn_at:
            return
        self._learn_at = asked + LEARN_EVERY_SECONDS
        cursor.execute(_ASK)
        (theirs,) = cursor.fetchone() or (time.time(),)
        answered = time.monotonic()
        self._clock.note(asked, answered, theirs)
        self._difference = self._clock.there(answered) - answered
        cursor.execute("SET application_name = %s", (name_for(time.time() - self._clock.there(answered)),))

    def now(self) -> float:
        """The database's time in seconds since 1970; before anything was learnt, this host's."""
        return time.monotonic() + self._difference

    def at(self, monotonic: float) -> float:
        """The same at a moment of this host's monotonic clock."""
        return monotonic + self._difference


def name_for(ahead_seconds: float) -> str:
    """The name of a connection from a host whose clock is ahead by so much."""
    if abs(ahead_seconds) < WORTH_A_WORD_SECONDS:
        return NAME
    return f"{NAME}, {ahead_seconds:+.1f} s on {socket.gethostname()}"[:_NAME_LENGTH]


database_clock = DatabaseClock()
