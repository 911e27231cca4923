"""The replica: whether web processes use it."""

from __future__ import annotations

from collections.abc import Iterator

from operations.doctor.finding import Finding, fine, warning
from operations.replica import ReplicaState, replica_state

RECENT_SECONDS = 600
# By words of what is wrong with it.
FIXES = (
    ("no replica", "Set DATABASE_REPLICA_URL to a hot standby of the database, or remove it."),
    ("another database", "Set DATABASE_REPLICA_URL to a replica of the database in DATABASE_URL."),
    ("behind", "See pg_stat_replication on the primary: the network or the replica is too slow, or replay is paused."),
    ("conflict with recovery", "Set hot_standby_feedback to on, or raise max_standby_streaming_delay, on the replica."),
    ("starting up", "Wait until it has started; without hot_standby it accepts no reads."),
)
OTHERWISE = "Check that it runs and that DATABASE_REPLICA_URL is correct. The primary serves meanwhile."


def look_at_replica() -> Iterator[Finding]:
    """Yields nothing if there is no replica."""
    state = replica_state()
    if state is not None:
        yield from judge_replica(state)


def judge_replica(state: ReplicaState) -> Iterator[Finding]:
    """Whether reads go to the replica, and whether they failed there a moment ago."""
    if state.trouble:
        yield warning(f"The replica is not used: {state.trouble}", _fix(state.trouble))
        return
    yield fine(f"The replica is {state.lag:.1f} s behind; reads go there.")
    if state.failed_seconds_ago < RECENT_SECONDS:
        yield warning(
            f"Reads failed on the replica {state.failed_seconds_ago:.0f} s ago, and went to the primary: "
            f"{state.failure}",
            _fix(state.failure),
        )


def _fix(said: str) -> str:
    return next((fix for words, fix in FIXES if words in said), OTHERWISE)
