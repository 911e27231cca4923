"""How a postback is, in words for its owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from postbacks.admin.integrations.rows import Rates, last_day
from postbacks.delivery_log.failing import Failing, failing_among
from postbacks.lifecycle import PAUSED_BY_OWNER
from postbacks.metrics.backlog import waiting_of
from postbacks.metrics.read import Sums, counts_by_postback
from postbacks.models import Postback, Rollup

_MOST_WAITING = 10_000  # Counting further would take longer than it tells.


@dataclass(slots=True)
class Health(Rates):
    """`key` and `label` as in the admin; `text` for its owner. The sums are of the last 24 hours."""

    postback: Postback
    key: str
    label: str
    text: str
    sums: Sums
    waiting: str

    @property
    def paused_by_owner(self) -> bool:
        return self.postback.pause_reason == PAUSED_BY_OWNER


def health_of(postbacks: Sequence[Postback]) -> list[Health]:
    """The health of postbacks that are loaded with their lanes, in a fixed number of queries."""
    now = timezone.now()
    ids = [each.pk for each in postbacks]
    sums = counts_by_postback(Rollup.Period.HOUR, last_day(now), ids)
    failing = failing_among(sums, now)
    waiting = waiting_of(ids, _MOST_WAITING)
    return [
        _health(each, failing.get(each.pk), sums.get(each.pk, Sums()), waiting.get(each.pk, 0)) for each in postbacks
    ]


def worst_first(healths: Iterable[Health]) -> list[Health]:
    order = ("failing", "held", "paused", "active")
    return sorted(healths, key=lambda each: order.index(each.key))


def _health(postback: Postback, failing: Failing | None, sums: Sums, waiting: int) -> Health:
    shown = f"{_MOST_WAITING:,} or more" if waiting >= _MOST_WAITING else f"{waiting:,}"
    return Health(postback, *_state(postback, failing), sums, shown)


def _state(postback: Postback, failing: Failing | None) -> tuple[str, str, str]:
    lane = getattr(postback, "lane", None)
    if postback.paused_at is not None:
        by = "by you" if postback.pause_reason == PAUSED_BY_OWNER else "by us"
        return "paused", "Paused", f"Paused {by}. What happens meanwhile is collected, and sent when it is resumed."
    if lane is not None and lane.held_since is not None:
        text = (
            "Your server did not answer several times in a row, so we wait, and try it now and then with one delivery. "
            "When it answers, all others follow."
        )
        return "held", "Held", text
    if failing is not None:
        return "failing", "Failing", f"{failing.failed} of the last {failing.tried} attempts failed."
    return "active", "Active", "We send as soon as something happens."
