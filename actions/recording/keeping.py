"""Keeps changes that come before their orders, and takes those that an order has missed."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from django.db import transaction

from actions.models import EarlyChange, Submission
from actions.recording.early_changes import OrderKey, missed, settle
from actions.recording.record import record
from actions.recording.refusals import concerns_one, is_refusal, named
from actions.recording.results import Waiting, refused
from actions.reports.report import Report

_log = logging.getLogger(__name__)

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
    """Take the changes whose orders are there, of all orders or of these, for up to `seconds`; their number.

    Those of an order that meet an error of ours wait for the next look, and hold no other order's.
    """
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        orders: dict[OrderKey, str] = {}
        try:
            taken = _take(keys, orders)
        except Exception as error:
            if not concerns_one(error):
                raise
            return done + _take_each(orders, until)
        if not taken:
            break
        done += taken
    return done


def _take(keys: Collection[OrderKey] | None, orders: dict[OrderKey, str]) -> int:
    """Take some of these changes; their number. `orders` gets the orders that they are of, each with the submission of
    its first change, also if that fails."""
    with transaction.atomic():
        ids, kept = missed(keys)
        for each in kept:
            orders.setdefault((each.row.action_tracker_id, each.row.order_id), each.row.submission.public_id)
        results = iter(record([each.report for each in kept if isinstance(each.report, Report)], keep_early=False))
        settle([(each, next(results) if isinstance(each.report, Report) else refused(each.report)) for each in kept])
        EarlyChange.objects.filter(pk__in=ids).delete()  # Also those whose submission is gone.
    return len(ids)


def _take_each(orders: Mapping[OrderKey, str], until: float) -> int:
    """Take the changes of these orders, of each order by itself; their number."""
    done = 0
    failed: list[tuple[str, Exception]] = []
    for order, submission in orders.items():
        if time.monotonic() >= until:
            break
        try:
            done += _take({order}, {})
        except Exception as error:
            if not concerns_one(error):
                raise
            failed.append((submission, error))
    if failed:
        submission, first = failed[0]
        text = "Early changes of %d orders cannot be taken; the first, %s: %s."
        _log.error(text, len(failed), submission, named(first), exc_info=None if is_refusal(first) else first)
    return done
