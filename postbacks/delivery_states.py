"""The states of a delivery in groups, as values and as SQL. Pure.

SQL names the states literally and in one order: PostgreSQL uses a partial index only if it can prove while planning
that the query's condition implies that of the index, which it cannot do with a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

WAITING: Final = ("blocked", "ready")  # No worker holds them.
UNDER_WAY: Final = ("ready", "sending")  # At most one in a chain.
UNFINISHED: Final = ("blocked", "ready", "sending")
FINISHED: Final = ("delivered", "failed", "cancelled")  # For good.
HAD: Final = ("delivered", *UNFINISHED)  # The receiver has the event, or is about to.


def listed(states: Iterable[str]) -> str:
    """The states as the list after IN in SQL."""
    return "({})".format(", ".join(f"'{state}'" for state in states))


SQL_WAITING: Final = listed(WAITING)
SQL_UNDER_WAY: Final = listed(UNDER_WAY)
SQL_UNFINISHED: Final = listed(UNFINISHED)
SQL_FINISHED: Final = listed(FINISHED)
SQL_HAD: Final = listed(HAD)
