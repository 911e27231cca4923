"""Tries a message: by one process at a time, at growing intervals, until it is taken or a day is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from notices import clock
from notices.models import Channel, Message
from notices.saying.post import Letter, Outcome, post
from notices.sending.gathering import TOLD_WITHIN

FIRST_WAIT: Final = timedelta(minutes=1)
MOST_WAIT: Final = timedelta(hours=1)
_DOUBLED: Final = 6  # By then the wait is the longest.
_MAIL_SECONDS: Final = 60  # A conversation with a mail server has several answers, each with EMAIL_TIMEOUT.


def waiting(now: datetime) -> list[Message]:
    """The messages that may be tried now. Those of channels that answered come first: others may hang."""
    due = Message.objects.filter(ended_at=None, next_try_at__lte=now, channel__active=True)
    return list(due.select_related("channel").order_by(F("channel__failing_since").desc(nulls_first=True), "pk"))


def deliver(message: Message, now: datetime) -> Outcome | None:
    """Tries it once. None if another process has taken this try."""
    if not _taken(message, now):
        return None
    channel = message.channel
    outcome = post(channel, Letter(message.content, str(message.key), message.made_at, now))
    _write_down(message, outcome, clock.now())
    return outcome


def interval(tries: int) -> timedelta:
    """How long to wait after so many tries: 1, 2, 4 … minutes, up to an hour."""
    doubled: int = 2 ** min(tries - 1, _DOUBLED)
    return min(FIRST_WAIT * doubled, MOST_WAIT)


def note_answer(channel: Channel, outcome: Outcome, now: datetime) -> None:
    """What the channel's page shows: the last answer, and since when there is no good one."""
    since = None if outcome.told else Coalesce(F("failing_since"), now)
    Channel.objects.filter(pk=channel.pk).update(answered_at=now, last_answer=outcome.said, failing_since=since)


def _taken(message: Message, now: datetime) -> bool:
    """Counts the try and puts the next one off, for longer than this one can take, should this process die."""
    longest = timedelta(seconds=2 * settings.POSTBACKS_TOTAL_TIMEOUT + _MAIL_SECONDS)
    mine = Message.objects.filter(pk=message.pk, tries=message.tries, ended_at=None, next_try_at__lte=now)
    message.tries += 1
    return bool(mine.update(tries=message.tries, next_try_at=now + max(interval(message.tries), longest)))


def _write_down(message: Message, outcome: Outcome, now: datetime) -> None:
    fields = {
        "told": outcome.told,
        "next_try_at": now + max(interval(message.tries), timedelta(seconds=outcome.wait)),
        "ended_at": now if outcome.told or now - message.made_at > TOLD_WITHIN else None,
    }
    with transaction.atomic():
        Message.objects.filter(pk=message.pk, tries=message.tries, ended_at=None).update(**fields)
        note_answer(message.channel, outcome, now)
