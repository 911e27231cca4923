"""Tries many deliveries now, in the background: batch by batch; any worker goes on where another has stopped.

The row of the job is locked for a batch, so two workers never do the same one, and a batch is whole or not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from postbacks.database import not_for_long
from postbacks.delivery.try_now import try_now
from postbacks.models import TryNow

logger = logging.getLogger(__name__)

BATCH = 1_000  # Some tens of milliseconds.
Note = Callable[[Any, Sequence[int]], object]


def start(ids: Sequence[int], seen_attempt: int, user: Any) -> TryNow:
    """Has the workers try these deliveries; leaves out what was tried after `seen_attempt`, the id of an attempt."""
    return TryNow.objects.create(ids=sorted(ids), total=len(ids), seen_attempt=seen_attempt, created_by=user)


def step(note: Note) -> bool:
    """Makes one batch of the oldest job due; False if there is none, or another worker has it."""
    with transaction.atomic():
        not_for_long()
        jobs = TryNow.objects.select_for_update(skip_locked=True, of=("self",)).select_related("created_by")
        job = jobs.filter(ended_at=None).order_by("pk").first()
        if job is None:
            return False
        batch = job.ids[job.position : job.position + BATCH]
        tried = try_now(batch, since=job.seen_attempt)
        if job.created_by is not None:
            note(job.created_by, tried)
        ended = {"ended_at": Now(), "ids": []} if job.position + len(batch) >= job.total else {}
        done = {"position": F("position") + len(batch), "tried": F("tried") + len(tried)}
        TryNow.objects.filter(pk=job.pk).update(**done, **ended)
    return True


def drive_for(seconds: float, note: Note) -> None:
    """Makes batches for as long; `note` is told who had which deliveries tried."""
    until = time.monotonic() + seconds
    try:
        if not TryNow.objects.filter(ended_at=None).exists():
            return  # As nearly always; this is asked each second.
        while time.monotonic() < until and step(note):
            pass
    except OperationalError as error:
        logger.warning("Deliveries cannot be tried yet (%s).", str(error).strip())
