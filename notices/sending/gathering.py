"""What a channel is sent next: at most one message a minute, of all that has come meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from notices.digest import digest_of
from notices.models import Channel, Message, Notice
from notices.saying.content import Content, of_notices

AT_MOST_EVERY: Final = timedelta(minutes=1)
TOLD_WITHIN: Final = timedelta(days=1)  # What is older is told no more, nor tried.
_MOST: Final = 5_000  # Notices of one message; a storm has one for each postback.


@transaction.atomic
def gather(channel_id: int, now: datetime) -> Message | None:
    """Makes the channel's next message, unless one waits already, the minute is not over, or there is nothing to
    say."""
    rows = Channel.objects.select_for_update(skip_locked=True, no_key=True)
    channel = rows.filter(pk=channel_id, active=True).first()
    if channel is None:
        return None
    messages = Message.objects.filter(channel=channel)
    if messages.filter(ended_at=None).exists() or messages.filter(made_at__gt=now - AT_MOST_EVERY).exists():
        return None
    if _digest_is_due(channel, now):
        return _made(channel, digest_of(channel, now), now)
    untold = Notice.objects.filter(channel=channel, message=None, at__gt=now - TOLD_WITHIN).order_by("pk")
    notices = list(untold[:_MOST])
    if not notices:
        return None
    message = _made(channel, of_notices([(each.event, each.at, each.content) for each in notices]), now)
    Notice.objects.filter(pk__in=[each.pk for each in notices]).update(message=message)
    return message


def _made(channel: Channel, content: Content, now: datetime) -> Message:
    return Message.objects.create(channel=channel, content=content, made_at=now, next_try_at=now)


def _digest_is_due(channel: Channel, now: datetime) -> bool:
    """Once on each day of the server's time zone, from its hour on; notes that it is. The first one waits for its
    hour."""
    here = timezone.localtime(now, timezone.get_default_timezone())
    if channel.digest_hour is None or channel.digested_on == here.date() or here.hour < channel.digest_hour:
        return False
    Channel.objects.filter(pk=channel.pk).update(digested_on=here.date())
    return channel.digested_on is not None or here.hour == channel.digest_hour
