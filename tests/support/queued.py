"""Reports that a web process has answered and not recorded: as it leaves them when it is killed."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from actions.intake import queue
from actions.intake.taken import Taken, take
from actions.models import ApiToken


def queued(token: ApiToken, kind: str, **fields: Any) -> Taken:
    """A report that is answered, and is with a process that has not recorded it yet."""
    taken = take(token, kind, fields, timezone.now())
    queue.with_orders([taken])
    queue.put([taken])
    return taken


def grow_old() -> None:
    """What is queued was so long ago that its process must have ended."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE actions_queuedreport SET queued_at = queued_at - interval '1 minute'")
