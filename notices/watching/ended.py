"""Replays and imports that have ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from actions.models import Action, ImportRun
from notices import pages
from notices.events import Event
from notices.telling import News, tell
from postbacks.models import Replay

# For so long after they have ended, should nobody have looked: the rows of imports stay for a week.
_LOOKED_BACK: Final = timedelta(days=1)
_WORDS: Final = {
    Replay.State.FINISHED: "All of its deliveries are handed over",
    Replay.State.STOPPED: "It was stopped",
    Replay.State.CANCELLED: "It was cancelled",
}
_SUMS: Final = """
SELECT coalesce(sum(recorded), 0), coalesce(sum(repeated), 0), coalesce(sum(waiting), 0),
    coalesce(sum(jsonb_array_length(rejections)), 0)
FROM actions_importpart WHERE run_id = %s
"""


def tell_of_replays(now: datetime) -> None:
    for replay in Replay.objects.filter(ended_at__gt=now - _LOOKED_BACK, state__in=_WORDS).order_by("pk"):
        tell(
            News(
                Event.REPLAY,
                f"replay:{replay.pk}:{replay.ended_at:%Y%m%dT%H%M%S.%f}",
                title=f"Replay ended: {replay}",
                text=f"{_WORDS[Replay.State(replay.state)]}: {replay.made:,} of {replay.planned:,}.",
                path=pages.page_of(replay),
                at=replay.ended_at,
            )
        )


def tell_of_imports(now: datetime) -> None:
    for run in ImportRun.objects.filter(completed_at__gt=now - _LOOKED_BACK).order_by("pk"):
        with connection.cursor() as cursor:
            cursor.execute(_SUMS, [run.pk])
            recorded, repeated, waiting, rejected = cursor.fetchone()
        waits = f", {waiting:,} waiting for their orders" if waiting else ""
        tell(
            News(
                Event.IMPORT,
                f"import:{run.pk}",
                title=f"Import ended: {run.name}",
                text=f"{recorded:,} recorded, {repeated:,} repeated, {rejected:,} rejected{waits}.",
                path=pages.list_of(Action),
                at=run.completed_at,
            )
        )
