"""Keeps changes that come before their orders, and takes those that an order has missed."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import partial

from django.db import transaction

from actions.models import EarlyChange, Submission
from actions.recording.early_changes import OrderKey, missed, settle
from actions.recording.record import record
from actions.recording.results import Waiting, refused
from actions.reports.report import Report

LOOK_SECONDS = 1.0  # After a commit, while its caller waits; beat's look takes what is left.


def keep(waiting: Sequence[tuple[Submission, Waiting]]) -> None:
    """Keep the changes of these submissions, which are saved, until their orders come."""
    if not waiting:
        return
    EarlyChange.objects.bulk_create(
        EarlyChange(
            submission=submission,
            kind=result.kind,
            action_tracker_id=result.action_tracker_id,
            order_id=result.order_id,
            waits_until=result.until,
        )
        for submission, result in waiting
    )
    keys = {(result.action_tracker_id, result.order_id) for _, result in waiting}
    # The order may have been recorded while nobody could see that this waits for it.
    transaction.on_commit(partial(take_missed, LOOK_SECONDS, keys), robust=True)


def take_missed(seconds: float, keys: Collection[OrderKey] | None = None) -> int:
    """Take the changes whose orders are there, of all orders or of these, for up to `seconds`; their number."""
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        with transaction.atomic():
            ids, kept = missed(keys)
            results = iter(record([each.report for each in kept if isinstance(each.report, Report)], keep_early=False))
            settle(
                [(each, next(results) if isinstance(each.report, Report) else refused(each.report)) for each in kept]
            )
            EarlyChange.objects.filter(pk__in=ids).delete()  # Also those whose submission is gone.
        if not ids:
            break
        done += len(ids)
    return done
