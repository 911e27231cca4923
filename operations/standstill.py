"""Whether postbacks go out: whether, while some are due, worker processes claim them and record what became of them.

Nothing here looks at what a worker says of itself: a process may live, sweep and still send nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import RedisError

from operations.asking import Asker
from operations.metrics.readings import OLDEST
from operations.redis_client import quick_client
from postbacks.delivery import blockers, heartbeat, trouble
from postbacks.delivery.trouble import Trouble

# What has been due for so long should have been claimed long ago; and the slowest request ends within it.
DUE_SECONDS = 60.0
# A statement of a worker that has waited for so long for somebody's lock; ours hold theirs for milliseconds.
LOCKED_SECONDS = 5.0
REDIS_SECONDS = 1.0

# Claimed, and not ended since.
OLDEST_CLAIMED = """
SELECT coalesce(max(extract(epoch FROM now() - due_at)), 0)::float FROM postbacks_delivery WHERE state = 'sending'
"""
BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'postbacks %%' AND wait_event_type = 'Lock'
  AND query_start < clock_timestamp() - make_interval(secs => %s)
"""


@dataclass(frozen=True, slots=True)
class Sending:
    """What the database knows of it. Ages are in seconds, and None if it has not happened within an hour."""

    due_seconds: float
    claimed: float | None = None
    recorded: float | None = None
    blocked: int = 0  # Statements of workers that wait for a lock.
    # The session that has kept something of the engine's locked for long, if any: workers then wait for none.
    holder: int = 0


def read_sending(asker: Asker) -> Sending:
    """Raises psycopg2.Error."""
    ages = [(name.partition(" ")[0], age) for name, age in asker.ask(heartbeat.AGES)]
    holders = blockers.read(asker.ask(blockers.OF_TABLES, [blockers.LONG_SECONDS]))
    newest = {kind: min(age for name, age in ages if name == kind) for kind in dict(ages)}
    return Sending(
        due_seconds=max(asker.ask(OLDEST)[0][0], asker.ask(OLDEST_CLAIMED)[0][0]),
        claimed=newest.get(heartbeat.CLAIM),
        recorded=newest.get(heartbeat.RECORD),
        blocked=asker.ask(BLOCKED, [LOCKED_SECONDS])[0][0],
        holder=holders[0].pid if holders else 0,
    )


def read_trouble() -> Trouble | None:
    """What a worker has told of in the last minutes; None if nothing, or if Redis does not answer."""
    client = quick_client(REDIS_SECONDS)
    try:
        return trouble.known(client.get(trouble.KEY))
    except RedisError:
        return None
    finally:
        client.close()


def judge_sending(sending: Sending, met: Trouble | None) -> tuple[str, str] | None:
    """What is wrong and what to do; None if something moves, or nothing has been due for long.

    `met` is the trouble that a worker has met with.
    """
    if sending.due_seconds < DUE_SECONDS or _is_recent(sending.recorded):
        return None
    due = f"Deliveries have been due for {sending.due_seconds:.0f} s, and none is sent"
    if sending.holder:
        end = f"Commit or end what is open there: SELECT pg_terminate_backend({sending.holder})."
        return f"{due}: a lock in the database holds up the workers.", end
    if sending.blocked:
        return f"{due}: a lock in the database holds up the workers.", _END_THE_LOCK
    if met is not None:
        return f"{due}: {met.what}", met.fix
    if _is_recent(sending.claimed):
        return f"{due} to its end: workers claim them, but record no outcome.", _RESTART
    return f"{due}: workers live, but none takes any.", _CONTINUE


def _is_recent(age: float | None) -> bool:
    return age is not None and age < DUE_SECONDS


_END_THE_LOCK = (
    "Find who holds it, and end that: SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock'."
)
_RESTART = "See the log of the workers, and restart them: nothing is lost."
_CONTINUE = (
    "The parent process of a worker may be stopped (kill -CONT lets it go on) or hang, or the broker gives it no "
    "messages. Restart the workers: nothing is lost."
)
