"""The status of everything: deliveries by state, the backlog, which postbacks are stopped."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count
from django.utils import timezone

from postbacks.metrics.backlog import oldest_due
from postbacks.metrics.fold import ALL
from postbacks.metrics.read import catch_up, ever
from postbacks.models import Delivery, Lane, Postback


@dataclass(frozen=True, slots=True)
class PostbackStatus:
    """One postback. `deliveries` holds every state, including those with a count of 0."""

    id: int
    owner: str
    name: str
    state: str  # active, paused or deleted
    deliveries: dict[str, int]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of all deliveries at one moment. Finished ones are counted since the beginning, including those whose
    rows are no longer kept.

    `backlog` counts the unfinished ones. `oldest_waiting_seconds` is how long the oldest delivery that could be sent
    now has been due; one that is not due yet, waits behind another, or belongs to a paused postback does not count. It
    is 0.0 if there is none.
    """

    deliveries: dict[str, int]
    backlog: int
    oldest_waiting_seconds: float
    held: list[int]
    paused: list[int]
    postbacks: list[PostbackStatus]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_status() -> Status:
    """Reads the status from the database: unfinished deliveries from their rows, by an index of only those; finished
    ones from the roll-ups, since the beginning."""
    catch_up(exactly=True)
    counts: dict[int, dict[str, int]] = defaultdict(_none_of_any_state)
    unfinished = Delivery.objects.filter(state__in=Delivery.UNFINISHED).order_by()
    for postback_id, state, count in unfinished.values_list("postback_id", "state").annotate(Count("id")):
        counts[postback_id][state] = count
    for postback_id, sums in ever().items():
        if postback_id != ALL:
            counts[postback_id] |= {"delivered": sums.delivered, "failed": sums.failed, "cancelled": sums.cancelled}
    postbacks = Postback.objects.select_related("partner", "media_source").order_by("id")
    shown = [_postback_status(each, counts[each.pk]) for each in postbacks if each.pk in counts or not each.deleted_at]
    total = {state: sum(each.deliveries[state] for each in shown) for state in Delivery.State.values}
    return Status(
        deliveries=total,
        backlog=sum(total[state] for state in Delivery.UNFINISHED),
        oldest_waiting_seconds=_oldest_waiting_seconds(),
        held=held_destinations(),
        paused=[each.id for each in shown if each.state == "paused"],
        postbacks=shown,
    )


def held_destinations() -> list[int]:
    """The ids of the postbacks whose destination is held because it is down."""
    held = Lane.objects.filter(held_since__isnull=False, postback__deleted_at__isnull=True)
    return list(held.order_by("postback_id").values_list("postback_id", flat=True))


def _oldest_waiting_seconds() -> float:
    oldest = oldest_due()
    return round((timezone.now() - oldest).total_seconds(), 1) if oldest else 0.0


def _postback_status(postback: Postback, deliveries: dict[str, int]) -> PostbackStatus:
    state = "deleted" if postback.deleted_at else "paused" if postback.paused_at else "active"
    return PostbackStatus(postback.pk, str(postback.owner), postback.name, state, deliveries)


def _none_of_any_state() -> dict[str, int]:
    return dict.fromkeys(Delivery.State.values, 0)
