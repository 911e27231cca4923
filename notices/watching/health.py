"""Destinations that are held or released, and postbacks that have paused themselves: what their lanes note.

A destination that goes up and down is told to be held at most once an hour, and each time to be released.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from notices import pages
from notices.events import Event
from notices.models import Watch
from notices.telling import News, tell
from postbacks.database import not_for_long
from postbacks.models import Lane, Postback
from postbacks.state import token_failure

HELD_AT_MOST_EVERY: Final = timedelta(hours=1)
_AT_ONCE: Final = 200  # Lanes of one transaction: it locks them, and workers that write them wait.
_RELATED: Final = ("postback__partner", "postback__media_source", "postback__action_tracker")


def tell_of_health(now: datetime) -> None:
    """Tells what lanes note, and forgets holds that an operator has ended."""
    Watch.objects.filter(
        kind=Watch.Kind.HELD,
        subject__in=Lane.objects.filter(held_since=None, notice=Lane.Notice.NONE).values("postback_id"),
    ).delete()
    noted = Lane.objects.exclude(notice=Lane.Notice.NONE)
    early = noted.filter(notice=Lane.Notice.HELD, noticed_at__gt=now - HELD_AT_MOST_EVERY)
    due = list(noted.exclude(pk__in=early).order_by("pk").values_list("pk", flat=True))
    for begin in range(0, len(due), _AT_ONCE):
        with transaction.atomic():
            not_for_long()
            _tell(due[begin : begin + _AT_ONCE], now)


def _tell(pks: list[int], now: datetime) -> None:
    """Those that a worker is writing at this moment are left for the next look."""
    rows = Lane.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related(*_RELATED)
    lanes = [lane for lane in rows.filter(pk__in=pks).order_by("pk") if lane.notice != Lane.Notice.NONE]
    held = [lane for lane in lanes if lane.notice == Lane.Notice.HELD]
    told = dict(Watch.objects.filter(kind=Watch.Kind.HELD, subject__in=pks).values_list("subject", "at"))
    existing = [lane for lane in lanes if lane.postback.deleted_at is None]
    tell(*filter(None, (_news(lane, told.get(lane.pk), now) for lane in existing)))
    Watch.objects.filter(kind=Watch.Kind.HELD, subject__in=[lane.pk for lane in lanes]).delete()
    Watch.objects.bulk_create(Watch(kind=Watch.Kind.HELD, subject=lane.pk, at=lane.held_since or now) for lane in held)
    Lane.objects.filter(pk__in=[lane.pk for lane in lanes]).update(notice=Lane.Notice.NONE)
    Lane.objects.filter(pk__in=[lane.pk for lane in held]).update(noticed_at=now)


def _news(lane: Lane, told: datetime | None, now: datetime) -> News | None:
    """`told` is since when it was held, if that was told: of a hold that was not, nobody needs the end."""
    postback = lane.postback
    match lane.notice:
        case Lane.Notice.HELD:
            since = lane.held_since or now
            return of_postback(
                Event.HELD,
                since,
                postback,
                "Held",
                f"{_trouble(postback)} since {since:%Y-%m-%d %H:%M} UTC. Its deliveries wait; one at a time "
                "is sent as a probe until one is answered. Nothing is lost.",
            )
        case Lane.Notice.RELEASED:
            text = (
                f"The destination of the postback “{postback}” answers again. What waited is being sent at the "
                "allowed rate."
            )
            return of_postback(Event.RELEASED, told, postback, "Released", text) if told else None
        case _:
            return of_postback(
                Event.PAUSED,
                postback.paused_at or now,
                postback,
                "Paused",
                f"The postback “{postback}” has paused itself. {postback.pause_reason} Its deliveries are collected "
                "and sent when you resume it.",
            )


def _trouble(postback: Postback) -> str:
    if why := token_failure(postback):
        return f"The postback “{postback}” gets {why.rstrip('.')},"
    return f"The destination of the postback “{postback}” has not answered, or has answered only with errors,"


def of_postback(event: Event, at: datetime, postback: Postback, word: str, text: str) -> News:
    """Something of a postback that is loaded with its owner and event type. `at` makes it different from the next
    time."""
    return News(
        event,
        f"{word.lower().replace(' ', '-')}:{postback.pk}:{at:%Y%m%dT%H%M%S.%f}",
        title=f"{word}: {postback}",
        text=text,
        path=pages.page_of(postback),
        program=postback.action_tracker.program_id,
        postback=postback.pk,
    )
