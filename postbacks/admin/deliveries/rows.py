"""One page of the log: its deliveries in order, each with the result of its latest attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from postbacks.admin.integrations.rows import place_called
from postbacks.delivery_log.find import NEWEST, Finder
from postbacks.delivery_log.resent import NOT_RESENT, Resent, resent_among
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Attempt, Delivery

PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`label` is the state in a word or two; `text` adds when the delivery is tried, or how it ended. `answer` is the
    status and duration of the latest attempt; `resent` names other deliveries of the same event."""

    delivery: Delivery
    label: str
    text: str
    answer: str
    resent: Resent

    @property
    def may_be_tried(self) -> bool:
        """Whether it waits for its time alone, as far as a row can tell."""
        ready = self.delivery.state == Delivery.State.READY
        return ready and not self.stopped and self.delivery.due_at > timezone.now()

    @property
    def stopped(self) -> str:
        """Why nothing of its postback goes out now, in a word."""
        lane = getattr(self.delivery.postback, "lane", None)
        if self.delivery.postback.paused_at:
            return "Paused"
        return "Held" if lane is not None and lane.held_since else ""

    @property
    def calls(self) -> str:
        return place_called(self.delivery.postback.url)


@dataclass(frozen=True, slots=True)
class Page:
    """`older` and `newer` are ids at which the neighbouring pages begin; None if there is no such page."""

    rows: list[Row]
    older: int | None
    newer: int | None


def page_of(finder: Finder, *, before: int | None = None, after: int | None = None) -> Page:
    """The newest page; or the one below the id `before`, or above `after`."""
    if after is not None:
        found = finder.above(after, PER_PAGE + 1)
        more, ids = len(found) > PER_PAGE, found[-PER_PAGE:]
        if ids:
            return Page(rows_of(ids), ids[-1], ids[0] if more else None)
    found = finder.below(NEWEST if before is None else before, PER_PAGE + 1)
    ids = found[:PER_PAGE]
    newer = ids[0] if ids and before is not None else None
    return Page(rows_of(ids), ids[-1] if len(found) > PER_PAGE else None, newer)


def rows_of(ids: Sequence[int]) -> list[Row]:
    """The rows of these deliveries, in three queries however many there are."""
    deliveries = Delivery.objects.select_related(
        "postback__partner", "postback__media_source", "postback__action_tracker", "postback__lane", "event", "action"
    ).defer("parameters", "event__parameters", "action__reported")
    found = deliveries.in_bulk(ids)
    counting = Attempt.objects.filter(delivery__in=ids, overlap_of=None)
    latest = counting.order_by("delivery_id", "-number").distinct("delivery_id")
    attempts = {each.delivery_id: each for each in latest.only("delivery_id", "number", "status", "duration_ms")}
    resent = resent_among(ids)
    return [_row(found[pk], attempts.get(pk), resent.get(pk, NOT_RESENT)) for pk in ids if pk in found]


def _row(delivery: Delivery, attempt: Attempt | None, resent: Resent) -> Row:
    answer = f"{attempt.status or 'No answer'} · {attempt.duration_ms:,} ms" if attempt is not None else ""
    return Row(delivery, label_of(delivery), text_of(delivery), answer, resent)
