"""Programs for which nothing comes in: told once for each channel, and once when conversions come again.

A program counts only from its first conversion on that was seen here, so nothing is told of one that has none, nor when
this is first installed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection, transaction

from notices import pages
from notices.events import Event
from notices.models import Channel, Watch
from notices.telling import News, active_channels, tell
from partners.models import Program

# Transactions that take longer commit rows that are older than what was seen last.
_AGAIN: Final = timedelta(minutes=2)
_NOTE: Final = """
INSERT INTO notices_watch (kind, subject, channel_key, at)
SELECT 'conversion', a.program_id, 0, max(e.recorded_at)
FROM actions_actionevent e JOIN actions_action a ON a.id = e.action_id
WHERE e.recorded_at > %s AND e.number = 1 GROUP BY a.program_id
ON CONFLICT (kind, subject, channel_key) DO UPDATE SET at = greatest(notices_watch.at, excluded.at)
"""


class Seen(NamedTuple):
    """A program and its latest conversion."""

    program: int
    name: str
    at: datetime


@transaction.atomic
def note_conversions(now: datetime) -> None:
    """Notes when each program had its latest conversion, from those that have come since the last look."""
    looked, first = Watch.objects.get_or_create(kind=Watch.Kind.LOOKED, subject=0, channel_key=0, defaults={"at": now})
    if not first:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [looked.at - _AGAIN])
        Watch.objects.filter(pk=looked.pk).update(at=now)


@transaction.atomic
def tell_of_quiet(now: datetime) -> None:
    """Tells each channel of its programs, by its own number of hours."""
    channels = [each for each in active_channels() if Event.QUIET in each.events]
    _forget_others(channels)
    if not channels:
        return
    latest = dict(Watch.objects.filter(kind=Watch.Kind.CONVERSION).values_list("subject", "at"))
    names = dict(Program.objects.filter(pk__in=latest).values_list("pk", "name"))
    for channel in channels:
        told = dict(Watch.objects.filter(kind=Watch.Kind.QUIET, channel_key=channel.pk).values_list("subject", "at"))
        for program, at in latest.items():
            if program in names and (channel.program_ids is None or program in channel.program_ids):
                _judge(channel, Seen(program, names[program], at), told.get(program), now)


def _judge(channel: Channel, seen: Seen, told: datetime | None, now: datetime) -> None:
    """`told` is the latest conversion of which the channel was told that nothing came since."""
    row = {"kind": Watch.Kind.QUIET, "subject": seen.program, "channel_key": channel.pk}
    if told is not None and seen.at > told:
        Watch.objects.filter(**row).delete()
        text = (
            f"Conversions come in again for the program “{seen.name}”. Before, there were none since "
            f"{told:%Y-%m-%d %H:%M} UTC."
        )
        _tell(channel, seen, "again", f"Conversions again: {seen.name}", text)
    elif told is None and now - max(seen.at, channel.created_at) >= timedelta(hours=channel.quiet_hours):
        Watch.objects.create(**row, at=seen.at)
        hours = f"{channel.quiet_hours} hour{'' if channel.quiet_hours == 1 else 's'}"
        text = (
            f"No conversion has come in for the program “{seen.name}” for {hours}: the latest one came at "
            f"{seen.at:%Y-%m-%d %H:%M} UTC. Ask those who report."
        )
        _tell(channel, seen, "quiet", f"Nothing came in: {seen.name}", text)


def _tell(channel: Channel, seen: Seen, change: str, title: str, text: str) -> None:
    key = f"{change}:{seen.program}:{seen.at:%Y%m%dT%H%M%S.%f}"
    path = pages.page(Program, seen.program)
    tell(News(Event.QUIET, key, title, text, path, program=seen.program), only=channel)


def _forget_others(channels: list[Channel]) -> None:
    """A channel that chooses the event again later begins anew."""
    quiet = Watch.objects.filter(kind=Watch.Kind.QUIET)
    quiet.exclude(channel_key__in=[each.pk for each in channels]).delete()
