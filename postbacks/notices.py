"""E-mails to operators when a destination is held or released, or its postback pauses itself.

The pending notice is stored on the lane, so no process can lose it. Each destination causes at most one e-mail an hour:
one that goes up and down is reported as it stands when the hour is over.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from postbacks.database import not_for_long
from postbacks.models import Lane

logger = logging.getLogger(__name__)

AT_MOST_EVERY = timedelta(hours=1)


def send_notices() -> int:
    """Sends pending notices; returns how many e-mails. If the mail server is unreachable, the next call tries again."""
    told_lately = Q(noticed_at__gt=Now() - AT_MOST_EVERY)
    waiting = Lane.objects.exclude(notice=Lane.Notice.NONE).exclude(told_lately)
    sent = 0
    for lane in waiting.select_related("postback__partner", "postback__media_source"):
        if _is_locked(lane):
            continue  # It could not be noted that the notice was sent.
        subject, text = _words(lane)
        try:
            if settings.POSTBACKS_NOTICE_EMAILS:
                send_mail(subject, text, None, settings.POSTBACKS_NOTICE_EMAILS)
                sent += 1
        except OSError as error:
            logger.warning("The notice “%s” could not be sent (%s); it will be tried again.", subject, error)
            return sent
        # Only if no newer notice has come meanwhile.
        with transaction.atomic():
            not_for_long()
            Lane.objects.filter(pk=lane.pk, notice=lane.notice).update(notice=Lane.Notice.NONE, noticed_at=Now())
    return sent


def _is_locked(lane: Lane) -> bool:
    with transaction.atomic():
        return not Lane.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=lane.pk).exists()


def _words(lane: Lane) -> tuple[str, str]:
    postback = lane.postback
    match lane.notice:
        case Lane.Notice.HELD:
            return f"Held: {postback}", (
                f"The destination of the postback “{postback}” has not answered, or has answered only with errors, "
                f"since {_moment(lane.held_since)}. Its deliveries wait; one at a time is sent as a probe until one is "
                "answered. Nothing is lost."
            )
        case Lane.Notice.RELEASED:
            return f"Released: {postback}", (
                f"The destination of the postback “{postback}” answers again. What waited is being sent at the "
                "allowed rate."
            )
        case _:
            return f"Paused: {postback}", (
                f"The postback “{postback}” has paused itself. {postback.pause_reason} Its deliveries are collected "
                "and sent when you resume it."
            )


def _moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "just now"
