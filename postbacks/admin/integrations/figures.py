"""The figures of many owners or contracts at once: how their postbacks are, and their last 24 hours.

A few queries for a whole list, however many rows it has: none for each row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import QuerySet

from postbacks.admin.integrations.health import Health, brief
from postbacks.admin.integrations.rows import Rates, last_day
from postbacks.delivery_log.failing import failing_among
from postbacks.metrics.read import Sums, catch_up, counts_by_postback, one_moment
from postbacks.models import Postback, Rollup
from postbacks.state import State, state_of

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Figures(Rates):
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


def figures_by(postbacks: QuerySet[Postback], key: Callable[[Postback], Key]) -> dict[Key, Figures]:
    """The figures of these postbacks, added up by `key`."""
    catch_up()
    rows = list(postbacks.select_related("lane").order_by())
    sums, states = _last_day_of(rows)
    found: dict[Key, Figures] = defaultdict(Figures)
    for row, state in zip(rows, states, strict=True):
        figures = found[key(row)]
        figures.states.append(state)
        figures.paused += row.paused_at is not None
        if row.pk in sums:
            figures.sums.add(sums[row.pk])
    return dict(found)


def states_of(postbacks: Sequence[Postback]) -> list[State]:
    """The states of postbacks that are loaded with their lanes."""
    return _last_day_of(postbacks)[1]


def _last_day_of(postbacks: Sequence[Postback]) -> tuple[dict[int, Sums], list[State]]:
    with one_moment() as now:
        sums = counts_by_postback(Rollup.Period.HOUR, last_day(now), [each.pk for each in postbacks])
        failing = failing_among(sums, now)
    texts = {pk: each.text for pk, each in failing.items()}
    return sums, [state_of(each, texts.get(each.pk, "")) for each in postbacks]
