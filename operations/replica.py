"""The state of the database's replica, for the doctor and the metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings

from stores.patience import ask
from stores.replica import ALIAS, marks
from stores.replica.watch import Watch

_AGAIN_SECONDS = 0.5  # A replica that had not quite caught up has done so then, unless it is behind.


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """`trouble` says why it is not used; it is empty if it is."""

    trouble: str
    lag: float  # Seconds; infinite if it is not known.
    fallbacks: int = 0  # Reads that the primary has repeated, as far as Redis knows.
    failed_seconds_ago: float = float("inf")
    failure: str = ""


def replica_state() -> ReplicaState | None:
    """Looks at the replica, for a few seconds at most; None if there is none."""
    if ALIAS not in settings.DATABASES:
        return None
    told = ask(marks.told)  # Before the look, which tells of trouble too.
    watch = Watch()
    watch.look()
    if watch.trouble and watch.replayed:
        time.sleep(_AGAIN_SECONDS)
        watch.look()
    watch.close()
    fallbacks, ago, failure = told or (0, float("inf"), "")
    return ReplicaState(watch.trouble, watch.lag, fallbacks, ago, failure)
