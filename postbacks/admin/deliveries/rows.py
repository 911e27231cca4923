"""One page of the log: its deliveries in order, each with the result of its latest attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from postbacks.admin.deliveries.find import NEWEST, Finder
from postbacks.admin.integrations.rows import place_called
from postbacks.models import Attempt, Delivery, Postback
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS

PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`label` is the state in a word or two; `text` adds when the delivery is tried, or how it ended. `answer` is the
    status and duration of the latest attempt."""

    delivery: Delivery
    label: str
    text: str
    answer: str

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
    """The rows of these deliveries, in two queries however many there are."""
    deliveries = Delivery.objects.select_related(
        "postback__partner", "postback__media_source", "postback__action_tracker", "postback__lane", "event", "action"
    ).defer("parameters", "event__parameters", "action__reported")
    found = deliveries.in_bulk(ids)
    counting = Attempt.objects.filter(delivery__in=ids, overlap_of=None)
    latest = counting.order_by("delivery_id", "-number").distinct("delivery_id")
    attempts = {each.delivery_id: each for each in latest.only("delivery_id", "number", "status", "duration_ms")}
    return [_row(found[pk], attempts.get(pk)) for pk in ids if pk in found]


def label_of(delivery: Delivery) -> str:
    """The state in a word or two."""
    if delivery.state == Delivery.State.READY and delivery.attempts_made:
        return "Retrying"
    if delivery.state == Delivery.State.BLOCKED:
        return "Waiting"
    return delivery.get_state_display()


def text_of(delivery: Delivery) -> str:
    """What to say beyond the state: why it has not been sent, when it is tried again, how it ended."""
    if delivery.state == Delivery.State.BLOCKED:
        return "Behind an earlier event of its action."
    if delivery.state != Delivery.State.READY:
        return delivery.reason
    text = _stopped(delivery.postback) or _due(delivery)
    if delivery.attempts_made:
        text = f"{text} Attempt {delivery.attempts_made + 1} of {MAXIMUM_ATTEMPTS} is next. {delivery.reason}"
    return text.rstrip()


def _due(delivery: Delivery) -> str:
    due = timezone.localtime(delivery.due_at)
    now = timezone.localtime()
    if due <= now:
        return "Due now."
    return f"Due at {due:%H:%M:%S}." if due.date() == now.date() else f"Due {due:%Y-%m-%d %H:%M}."


def _stopped(postback: Postback) -> str:
    lane = getattr(postback, "lane", None)
    if postback.paused_at:
        return "Its postback is paused."
    return "Its destination is held." if lane is not None and lane.held_since else ""


def _row(delivery: Delivery, attempt: Attempt | None) -> Row:
    answer = f"{attempt.status or 'No answer'} · {attempt.duration_ms:,} ms" if attempt is not None else ""
    return Row(delivery, label_of(delivery), text_of(delivery), answer)
