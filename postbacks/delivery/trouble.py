"""What keeps a worker process from recording outcomes, told in Redis: the database may be unable to keep it.

Only the last trouble is kept, for some minutes, so that readiness and the doctor can say what to do.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import psycopg2
from redis import RedisError

from postbacks.delivery.redis import client

KEY = "postbacks:trouble"
KEPT_SECONDS = 120  # A worker in trouble tries every half second to ten seconds, and tells it each time.
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A sentence each: what is wrong, as the end of a sentence, and what to do."""

    what: str
    fix: str


# By the SQLSTATE of the database's error.
KNOWN = {
    "53100": Trouble("the disk of the database is full.", "Free space on it. Nothing is lost."),
    "25006": Trouble(
        "the database is read-only.", "Set DATABASE_DIRECT_URL, or else DATABASE_URL, to the primary server."
    ),
    "42501": Trouble("the workers' user may not write.", "Grant it all rights on the tables."),
    "57014": Trouble(
        "the database takes too long to record outcomes.",
        "Look for a lock or for a disk that does not keep up: SELECT pid, wait_event, query FROM pg_stat_activity.",
    ),
    _OTHER: Trouble(
        "the database refuses what workers record.", "See the log of the workers, “Could not record”, for the reason."
    ),
}


def tell(error: psycopg2.Error) -> None:
    """Notes the trouble of this process. Never raises."""
    state = error.pgcode if error.pgcode in KNOWN else _OTHER
    with suppress(RedisError):
        client.set(KEY, state, ex=KEPT_SECONDS)


def known(state: bytes | str | None) -> Trouble | None:
    """The trouble that is noted under KEY."""
    if state is None:
        return None
    return KNOWN.get(state.decode() if isinstance(state, bytes) else state, KNOWN[_OTHER])
