"""The figures of many owners or contracts at once: how their postbacks are, and their last 24 hours.

Three queries for a whole list, however many rows it has: none for each row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from postbacks.admin.integrations.health import Health, brief
from postbacks.metrics.read import Sums, catch_up, counts_by_postback
from postbacks.models import Postback, Rollup
from postbacks.state import State, state_of

HOURS = 24
Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Figures:
    """Of some postbacks: their states, and the sums of the current hour and the 23 before it."""

    states: list[State] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    paused: int = 0

    @property
    def running(self) -> int:
        return len(self.states) - self.paused

    @property
    def health(self) -> Health:
        return brief(self.states)

    @property
    def success(self) -> str:
        """The share of delivered ones among those delivered or failed, as text."""
        rate = self.sums.success_rate
        return "-" if rate is None else f"{rate * 100:.1f} %"


def figures_by(postbacks: QuerySet[Postback], key: Callable[[Postback], Key]) -> dict[Key, Figures]:
    """The figures of these postbacks, added up by `key`."""
    catch_up()
    rows = list(postbacks.select_related("lane").order_by())
    sums = last_day(row.pk for row in rows)
    found: dict[Key, Figures] = defaultdict(Figures)
    for row in rows:
        figures = found[key(row)]
        figures.states.append(state_of(row))
        figures.paused += row.paused_at is not None
        if row.pk in sums:
            figures.sums.add(sums[row.pk])
    return dict(found)


def last_day(keys: Iterable[int]) -> dict[int, Sums]:
    """The sums of postbacks over the current hour and the 23 before it, without details; one query."""
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    return counts_by_postback(Rollup.Period.HOUR, since, list(keys))
