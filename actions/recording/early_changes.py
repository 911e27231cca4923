"""Changes that come before their orders: kept for as long as the program says, and taken when the order comes.

The recording of an order takes what waits for it, in one transaction. A change and its order that are recorded at the
same moment may miss each other; then the look after the change's commit finds the order, or beat's look does
(`keeping`). All three lock the rows of the changes, in the order in which they came, and delete them with what becomes
of them: each change is taken once, wherever a process is killed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from actions.models import ActionEvent, EarlyChange, Submission
from actions.recording.refusals import UNREADABLE, refusal_of
from actions.recording.results import Recorded, RejectedResult, Result
from actions.recording.submissions import needed_fields, note_result
from actions.reports.rejected import Rejected
from actions.reports.report import Report, parse_report

OrderKey = tuple[int, str]  # Event type, order id.

ROWS = 500  # In one transaction, as many as an import takes.

# What waits for these orders and has not waited too long.
_OF_ORDERS = """
SELECT e.id FROM actions_earlychange e
JOIN unnest(%s::bigint[], %s::text[]) AS asked (tracker, order_id)
    ON e.action_tracker_id = asked.tracker AND e.order_id = asked.order_id
WHERE e.waits_until > now()
ORDER BY e.id FOR UPDATE OF e
"""
_ORDER_IS_THERE = """
EXISTS (
    SELECT FROM actions_action a
    WHERE a.action_tracker_id = e.action_tracker_id AND a.order_id = e.order_id AND a.created_at <= e.waits_until
)
"""
_MISSED = f"""
SELECT e.id FROM actions_earlychange e
WHERE {_ORDER_IS_THERE} AND (%s::bigint[] IS NULL OR (e.action_tracker_id, e.order_id) IN (
    SELECT * FROM unnest(%s::bigint[], %s::text[])
))
ORDER BY e.id LIMIT {ROWS} FOR UPDATE OF e
"""  # noqa: S608 -- made of constants
_EXPIRED = f"""
SELECT e.id FROM actions_earlychange e
WHERE e.waits_until <= now() AND NOT {_ORDER_IS_THERE}
ORDER BY e.id LIMIT {ROWS} FOR UPDATE OF e SKIP LOCKED
"""  # noqa: S608 -- as above


@dataclass(frozen=True, slots=True)
class Kept:
    """A change that is kept, locked until the transaction ends."""

    row: EarlyChange
    report: Report | Rejected  # Refused where it cannot be read any more.


def waiting_for(keys: Collection[OrderKey]) -> dict[OrderKey, list[Kept]]:
    """The changes that wait for these orders, locked, in the order in which they came."""
    found: dict[OrderKey, list[Kept]] = defaultdict(list)
    for kept in _load(_ids(_OF_ORDERS, [[tracker for tracker, _ in keys], [order_id for _, order_id in keys]])):
        found[kept.row.action_tracker_id, kept.row.order_id].append(kept)
    return found


def settle(ended: Sequence[tuple[Kept, Result]]) -> None:
    """Note what became of changes, in the transaction that has made it so; they wait no longer."""
    submissions = []
    for kept, result in ended:
        submission = kept.row.submission
        note_result(submission, result)
        if isinstance(result, Recorded):
            submission.message = "It came before its order, and was taken when the order came."
        submission.processed_at = timezone.now()
        submission.fields = needed_fields(submission.fields, result)
        submissions.append(submission)
    if submissions:
        changed = ["result", "reason_code", "message", "action", "processed_at", "fields"]
        Submission.objects.bulk_update(submissions, changed)
        EarlyChange.objects.filter(pk__in=[kept.row.pk for kept, _ in ended]).delete()


def give_up(seconds: float) -> int:
    """Refuse the changes whose orders have not come in time; their number. Goes on for up to `seconds`."""
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        with transaction.atomic():
            ids = _ids(_EXPIRED, [])
            settle([(kept, _too_late(kept.row)) for kept in _load(ids)])
            EarlyChange.objects.filter(pk__in=ids).delete()  # Also those whose submission is gone.
        if not ids:
            break
        done += len(ids)
    return done


def missed(keys: Collection[OrderKey] | None = None) -> tuple[list[int], list[Kept]]:
    """The ids of changes whose order is there, and the changes, locked; of all orders or only of these."""
    trackers = None if keys is None else [tracker for tracker, _ in keys]
    ids = _ids(_MISSED, [trackers, trackers or [], [order_id for _, order_id in keys or ()]])
    return ids, _load(ids)


def _too_late(row: EarlyChange) -> RejectedResult:
    return RejectedResult(
        "ACTION_NOT_FOUND",
        f"There is no action with the order id {row.order_id} of the event type {row.action_tracker_id}; the change "
        f"waited for it until {row.waits_until:%Y-%m-%d %H:%M:%S} UTC.",
        "OrderId",
    )


def _ids(statement: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _load(ids: Collection[int]) -> list[Kept]:
    rows = EarlyChange.objects.filter(pk__in=ids).select_related("submission").order_by("pk") if ids else ()
    return [Kept(row, _read(row)) for row in rows]


def _read(row: EarlyChange) -> Report | Rejected:
    """The report again; its event type was found out when it came."""
    try:
        report = parse_report(
            row.submission.fields,
            now=row.submission.received_at.replace(microsecond=0),
            kind=ActionEvent.Kind(row.kind),
        )
    except UNREADABLE as error:
        return refusal_of(error)
    return report._replace(action_tracker_id=row.action_tracker_id, order_id=row.order_id, event_type_code="")
