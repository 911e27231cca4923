"""The daily digest of a channel: yesterday against the day before, and what is wrong at this moment.

Days are those of the server's time zone (TIME_ZONE). Deliveries are counted by the hour, so where a zone differs from
UTC by a part of an hour, their day begins at the full hour before.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from actions.models import ActionEvent
from notices import pages
from notices.models import Channel, Watch
from notices.saying.content import Content
from notices.telling import tidy
from postbacks.metrics.backlog import longest_waiting
from postbacks.metrics.fold import ALL
from postbacks.metrics.read import counts_over_time, one_moment
from postbacks.models import Postback, Rollup

NAMED: Final = 5  # Postbacks of a line.


class Day(NamedTuple):
    """What came in, and how deliveries ended, from midnight to midnight."""

    came_in: int
    delivered: int
    failed: int


def digest_of(channel: Channel, now: datetime) -> Content:
    """For the channel's programs."""
    here = timezone.localtime(now, timezone.get_default_timezone())
    today = _midnight(here)
    yesterday, before = _midnight(today - timedelta(hours=12)), _midnight(today - timedelta(hours=36))
    postbacks = _postbacks(channel)
    with one_moment():
        last, earlier = _day(channel, postbacks, yesterday, today), _day(channel, postbacks, before, yesterday)
    lines = [
        f"Yesterday ({timezone.get_default_timezone_name()}), and in brackets the day before:",
        f"Came in: {last.came_in:,} ({earlier.came_in:,}).",
        f"Delivered: {last.delivered:,} ({earlier.delivered:,}).",
        f"Given up: {last.failed:,} ({earlier.failed:,}).",
        _named("Failing now", _failing(channel)),
        _named("Held now", _held(channel)),
        _waiting(postbacks, now),
    ]
    return {
        "kind": "digest",
        "title": f"Daily digest: {yesterday:%a} {yesterday.day} {yesterday:%b %Y}",
        "lines": lines,
        "items": [],
        "path": pages.DASHBOARD,
        "counts": {"came_in": last.came_in, "delivered": last.delivered, "given_up": last.failed},
        "entries": [],
    }


def _midnight(moment: datetime) -> datetime:
    """The midnight before, in the zone of the moment; days of 23 and 25 hours included."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _postbacks(channel: Channel) -> set[int] | None:
    """The ids of the postbacks of the channel's programs; None for all."""
    if channel.program_ids is None:
        return None
    return set(Postback.objects.filter(action_tracker__program__in=channel.program_ids).values_list("pk", flat=True))


def _day(channel: Channel, postbacks: Collection[int] | None, begin: datetime, end: datetime) -> Day:
    events = ActionEvent.objects.filter(recorded_at__gte=begin, recorded_at__lt=end, number=1)
    if channel.program_ids is not None:
        events = events.filter(action__program__in=channel.program_ids)
    keys = [ALL] if postbacks is None else postbacks
    hours = counts_over_time(Rollup.Period.HOUR, _hour(begin), keys).items()
    ended = [sums for at, sums in hours if at < _hour(end)]
    return Day(events.count(), sum(each.delivered for each in ended), sum(each.failed for each in ended))


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0)


def _existing(channel: Channel) -> QuerySet[Postback]:
    rows = Postback.objects.existing().select_related("partner", "media_source").order_by("pk")
    return rows if channel.program_ids is None else rows.filter(action_tracker__program__in=channel.program_ids)


def _failing(channel: Channel) -> QuerySet[Postback]:
    return _existing(channel).filter(pk__in=Watch.objects.filter(kind=Watch.Kind.FAILING).values("subject"))


def _held(channel: Channel) -> QuerySet[Postback]:
    return _existing(channel).filter(lane__held_since__isnull=False, paused_at=None)


def _named(words: str, rows: QuerySet[Postback]) -> str:
    number = rows.count()
    if not number:
        return f"{words}: none."
    names = "; ".join(tidy(str(row)) for row in rows[:NAMED])
    return f"{words}: {number:,}: {names}{'; …' if number > NAMED else '.'}"


def _waiting(postbacks: Collection[int] | None, now: datetime) -> str:
    found = longest_waiting(postbacks)
    if found is None:
        return "Waiting longest: nothing is due."
    postback, since = found
    name = tidy(str(Postback.objects.select_related("partner", "media_source").get(pk=postback)))
    minutes = int((now - since).total_seconds() // 60)
    return f"Waiting longest: {name}, due since {since:%Y-%m-%d %H:%M} UTC ({minutes:,} min)."
