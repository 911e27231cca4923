"""Waits until everything is delivered, and measures how fast that was."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection
from tqdm import tqdm

from postbacks.delivery_states import SQL_UNFINISHED

_SLOWEST_PER_SECOND = 300  # Slower than this, a drain counts as stuck.
_STUCK_SECONDS = 60
_POLL_SECONDS = 0.25

# A count would cost more with every delivery; the statistics have it, a second late.
_RECORDED = "SELECT sum(n_tup_ins) FROM pg_stat_user_tables WHERE relname ~ '^postbacks_attempt(_|$)'"
_UNFINISHED = f"SELECT EXISTS (SELECT 1 FROM postbacks_delivery WHERE state IN {SQL_UNFINISHED})"  # noqa: S608 -- constants
_COUNT_UNFINISHED = f"SELECT count(*) FROM postbacks_delivery WHERE state IN {SQL_UNFINISHED}"  # noqa: S608 -- as above
# The first batch is not counted: its time began before it was finished.
_RATE = """
WITH earliest AS MATERIALIZED (SELECT min(finished_at) AS at FROM postbacks_delivery WHERE id > %s)
SELECT count(*) / extract(epoch FROM max(finished_at) - min(earliest.at))::float8
FROM postbacks_delivery, earliest WHERE id > %s AND finished_at > earliest.at
"""


class StuckError(Exception):
    """Deliveries do not finish."""


def wait_until_delivered(count: int, what: str, *, after: int = 0) -> None:
    """Waits until no delivery is unfinished, with a progress bar up to `count`; then looks at the states of those with
    an id above `after`. Raises StuckError."""
    deadline = time.monotonic() + count / _SLOWEST_PER_SECOND + _STUCK_SECONDS
    before = recorded()
    with tqdm(total=count, desc=what, unit="", leave=False, disable=None) as bar:
        while not all_finished():
            if time.monotonic() > deadline:
                raise StuckError(f"{what}: unfinished deliveries remain: {states()}")
            time.sleep(_POLL_SECONDS)
            bar.update(recorded() - before - bar.n)
    found = states(after=after)
    if set(found) != {"delivered"}:
        raise StuckError(f"{what}: not all were delivered: {found}")


def finished_per_second(after: int = 0) -> float:
    """The rate between the first finished delivery and the last, of those with an id above `after`."""
    return scalar(_RATE, after, after)


def latest() -> int:
    """The highest id of a delivery so far."""
    return int(scalar("SELECT max(id) FROM postbacks_delivery"))


def recorded() -> int:
    """The attempts recorded since the statistics were last reset; a second late."""
    return int(scalar(_RECORDED))


def all_finished() -> bool:
    """Whether all deliveries are finished; cheap however many there are."""
    return not scalar(_UNFINISHED)


def unfinished() -> int:
    """The exact number of unfinished deliveries; its cost grows with that number."""
    return int(scalar(_COUNT_UNFINISHED))


def states(after: int = 0) -> dict[str, int]:
    """The number of deliveries by state, of those with an id above `after`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM postbacks_delivery WHERE id > %s GROUP BY state", [after])
        return dict(cursor.fetchall())


def scalar(statement: str, *arguments: int) -> float:
    """The one number that a statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        (number,) = cursor.fetchone() or (0,)
        return float(number or 0)


def wait_for(condition: Callable[[], bool], timeout_seconds: float, what: str, poll_seconds: float = 0.05) -> None:
    """Polls until `condition()` is true. Raises StuckError after `timeout_seconds`."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StuckError(f"Not within {timeout_seconds:.0f} s: {what}.")
        time.sleep(poll_seconds)
