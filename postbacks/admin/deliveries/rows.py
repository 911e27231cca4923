"""One page of the log: its rows in order, each a delivery with its latest attempt, or an attempt of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from postbacks.admin.integrations.rows import place_called
from postbacks.delivery_log.filters import Time
from postbacks.delivery_log.hits import Finding, Hit
from postbacks.delivery_log.resent import NOT_RESENT, Resent, resent_among
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Attempt, Delivery

PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`label` is the state in a word or two; `text` adds when the delivery is tried, or how it ended. `answer` is the
    status and duration of the latest attempt. In a row of one attempt, `text` and `answer` are those of that one, and
    `number` is its number. `resent` names other deliveries of the same event."""

    delivery: Delivery
    at: datetime | None
    label: str
    text: str
    answer: str
    resent: Resent
    number: int | None = None

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
    """`older` and `newer` are keys at which the neighbouring pages begin; None if there is no such page. `newest` is
    the key of the first row; all rows come after the key "0"."""

    rows: list[Row]
    older: str | None
    newer: str | None
    newest: str = "0"


def page_of(finding: Finding, time: Time = Time.MADE, *, before: str | None = None, after: str | None = None) -> Page:
    """The newest page; or the one below the key `before`, or above `after`. `time` is the one that the rows show."""
    if after is not None:
        found = finding.newer(after, PER_PAGE + 1)
        more, hits = len(found) > PER_PAGE, found[-PER_PAGE:]
        if hits:
            return Page(rows_of(hits, time), hits[-1].key, hits[0].key if more else None, hits[0].key)
    found = finding.older(before, PER_PAGE + 1)
    hits = found[:PER_PAGE]
    newer = hits[0].key if hits and before is not None else None
    if not hits:
        return Page([], None, None)
    return Page(rows_of(hits, time), hits[-1].key if len(found) > PER_PAGE else None, newer, hits[0].key)


def rows_of(hits: Sequence[Hit], time: Time = Time.MADE) -> list[Row]:
    """The rows of these hits, in three queries however many there are."""
    deliveries = Delivery.objects.select_related(
        "postback__partner", "postback__media_source", "postback__action_tracker", "postback__lane", "event", "action"
    ).defer("parameters", "event__parameters", "action__reported")
    found = deliveries.in_bulk([hit.delivery for hit in hits])
    shown = Attempt.objects.only(
        "delivery_id", "number", "status", "duration_ms", "reason", "recorded_at", "started_at"
    )
    resent = resent_among(list(found))
    named = [hit.attempt for hit in hits if hit.attempt is not None]
    if named:
        attempts = shown.in_bulk(named)
        return [
            _attempt_row(found[hit.delivery], attempts[hit.attempt], resent.get(hit.delivery, NOT_RESENT))
            for hit in hits
            if hit.attempt in attempts and hit.delivery in found
        ]
    counting = shown.filter(delivery__in=found, overlap_of=None)
    latest = {each.delivery_id: each for each in counting.order_by("delivery_id", "-number").distinct("delivery_id")}
    return [
        _row(found[hit.delivery], latest.get(hit.delivery), time, resent.get(hit.delivery, NOT_RESENT))
        for hit in hits
        if hit.delivery in found
    ]


def _row(delivery: Delivery, attempt: Attempt | None, time: Time, resent: Resent) -> Row:
    at = delivery.created_at if time is Time.MADE else delivery.finished_at
    return Row(delivery, at, label_of(delivery), text_of(delivery), "" if attempt is None else _answer(attempt), resent)


def _attempt_row(delivery: Delivery, attempt: Attempt, resent: Resent) -> Row:
    at = attempt.recorded_at or attempt.started_at
    return Row(delivery, at, label_of(delivery), attempt.reason, _answer(attempt), resent, attempt.number)


def _answer(attempt: Attempt) -> str:
    return f"{attempt.status or 'No answer'} · {attempt.duration_ms:,} ms"
