"""Records reports that were taken, as many as there are in one transaction, each order's in the order of their answers.

The transaction that records a report deletes its row, so the report is recorded once: by the process that answered
it, or, if that one has ended or is slow, by another. An earlier report of the same order that is still on its way in
another process goes first: it is recorded along, and that process finds it gone.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import Error, OperationalError
from django.utils import timezone
from psycopg2.errors import LockNotAvailable, QueryCanceled

from actions.intake import queue
from actions.intake.taken import Taken
from actions.intake.traced import note_each
from actions.models import Submission
from actions.recording.keeping import keep
from actions.recording.messages import put_off
from actions.recording.planned import Planned
from actions.recording.record import record
from actions.recording.refusals import concerns_one, named
from actions.recording.results import Result, Waiting, refused
from actions.recording.rows import made
from actions.recording.submissions import needed_fields, note_order, note_result
from actions.recording.tables import ROWS_TO_COPY, Row, Table
from actions.reports.report import Report
from actions.reports.storable import clean

_log = logging.getLogger(__name__)

# A recording of its own takes some milliseconds; what waits longer for a row than this waits apart from the others.
LOCK_MS: Final = 500
LOCK_MS_APART: Final = 50
_STATEMENT_MS: Final = 10_000
# One of them may have been taken by another process each time; more often is not to be expected.
_MOST_TRIES: Final = 20
_MOST_NAMED: Final = 10

_COLUMNS: Final = (
    *("id", "token_id", "kind", "result", "received_at", "processed_at", "reason_code", "message", "notes", "fields"),
    *("action_id", "order_id", "recorded", "repeated", "rejected"),
)
SUBMISSIONS: Final = Table("actions_submission", _COLUMNS)
# Of a few rows, in one statement.
INSERT: Final = Planned(
    "keep_submissions",
    f"""
INSERT INTO actions_submission ({", ".join(_COLUMNS)})
SELECT id, token_id, kind, result, received_at, processed_at, reason_code, message, notes::jsonb, fields::jsonb,
    action_id, order_id, 0, 0, 0
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[])
    AS v (id, token_id, kind, result, received_at, processed_at, reason_code, message, notes, fields, action_id,
        order_id)
""",  # noqa: S608 -- constants
)


class MovedError(Exception):
    """Somebody else has taken one of the reports, or an earlier one of the same order is still on its way."""


def limits(lock_ms: int) -> str:
    """What goes before the first statement of a transaction of ours, so that it holds nobody up."""
    return f"SET LOCAL statement_timeout = {_STATEMENT_MS}; SET LOCAL lock_timeout = {lock_ms}; "


def record_taken(taken: Sequence[Taken], settings: str = "") -> dict[Taken, tuple[Submission, Result]]:
    """Record these reports in one transaction; what became of each, unless another process has recorded it.

    `settings` go before the first statement.

    Raises:
        django.db.Error: the database failed, or something is in the way; nothing is recorded.
    """
    began, group = time.time(), list(taken)
    queue.with_orders(group)
    for _ in range(_MOST_TRIES):
        if not group:
            return {}
        try:
            recorded = _record(group, settings)
        except MovedError:
            group = queue.regrouped(group)
        else:
            note_each("record", recorded, began)
            return recorded
    raise OperationalError("Other processes keep taking the same reports.") from LockNotAvailable()


def record_queued(taken: Sequence[Taken]) -> dict[Taken, tuple[Submission, Result]]:
    """Record queued reports together; if something is in the way of one of them, or one cannot be recorded, each by
    itself.

    What cannot be recorded now stays queued.

    Raises:
        django.db.Error: the database failed.
    """
    try:
        return record_taken(taken, limits(LOCK_MS))
    except Exception as error:
        if not _concerns_one(error):
            raise
    done: dict[Taken, tuple[Submission, Result]] = {}
    faults: dict[str, Exception] = {}
    for each in taken:
        try:
            done |= record_taken([each], limits(LOCK_MS_APART))
        except Exception as error:
            if not _concerns_one(error):
                raise
            if not _is_in_the_way(error):
                faults[f"A-{each.id}"] = error
    if faults:
        _tell(faults, len(taken))
    if (held := len(taken) - len(done) - len(faults)) > 0:
        _log.warning("%d of %d reports stay queued: others hold rows.", held, len(taken))
    return done


def keep_refused(taken: Sequence[Taken]) -> dict[Taken, tuple[Submission, Result]]:
    """Keep the submissions of reports that cannot be read, and so are refused before anything is recorded."""
    for each, pk in zip(taken, queue.new_ids(len(taken)), strict=True):
        each.id = pk
    return _keep([(each, refused(each.report)) for each in taken if not isinstance(each.report, Report)])


def _tell(faults: Mapping[str, Exception], number: int) -> None:
    """Name in the log those of so many reports that cannot be recorded, and the first error. What the database says
    quotes values, so of its errors only the kind is told."""
    first = next(iter(faults.values()))
    which = ", ".join([*list(faults)[:_MOST_NAMED], *(["…"] if len(faults) > _MOST_NAMED else [])])
    text = "%d of %d reports cannot be recorded and stay queued: %s. The first error: %s."
    _log.error(text, len(faults), number, which, named(first), exc_info=None if isinstance(first, Error) else first)


def _concerns_one(error: Exception) -> bool:
    """Whether one of the reports is at fault, or something is in its way, and not the database in trouble."""
    return _is_in_the_way(error) or concerns_one(error)


def _is_in_the_way(error: Exception) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.__cause__, (LockNotAvailable, QueryCanceled))


def _record(group: Sequence[Taken], settings: str) -> dict[Taken, tuple[Submission, Result]]:
    reports = [each.report for each in group if isinstance(each.report, Report)]
    kept: dict[Taken, tuple[Submission, Result]] = {}

    def first() -> None:
        if not queue.claim(group, settings):
            raise MovedError

    def also(results: Sequence[Result]) -> None:
        coming = iter(results)
        became = [(each, next(coming) if isinstance(each.report, Report) else refused(each.report)) for each in group]
        kept.clear()
        kept.update(_keep(became))

    record(reports, first=first, also=also)
    return kept


def _keep(became: Collection[tuple[Taken, Result]]) -> dict[Taken, tuple[Submission, Result]]:
    """Write what became of each report."""
    now = timezone.now()
    kept = {each: (_submission(each, result, now), result) for each, result in became}
    rows = [_row(submission) for submission, _ in kept.values()]
    if len(rows) >= ROWS_TO_COPY:
        SUBMISSIONS.copy([(*row, 0, 0, 0) for row in rows])
    else:
        put_off(INSERT.text, [list(column) for column in zip(*rows, strict=True)])
    keep([(submission, result) for submission, result in kept.values() if isinstance(result, Waiting)])
    return kept


def _row(submission: Submission) -> Row:
    """The columns whose values differ."""
    return (
        submission.pk,
        submission.token_id,
        str(submission.kind),
        str(submission.result),
        submission.received_at,
        submission.processed_at,
        submission.reason_code,
        submission.message,
        json.dumps(submission.notes) if submission.notes else "[]",
        json.dumps(submission.fields) if submission.fields else "{}",  # Whole numbers may be of any length.
        submission.action_id,
        submission.order_id,
    )


def _submission(each: Taken, result: Result, now: datetime) -> Submission:
    values: dict[str, Any] = {
        "id": each.id,
        "token_id": each.token.pk,
        "kind": each.kind,
        "received_at": each.received_at,
        "processed_at": now,
        "notes": [],
        "action_id": None,
        "batch_id": None,
        "line": None,
        "recorded": 0,
        "repeated": 0,
        "rejected": 0,
    }
    submission = made(Submission, values, {})
    submission._state.adding = False  # noqa: SLF001 -- Django's documented interface
    note_order(submission, each.report, each.fields)
    note_result(submission, result)
    if isinstance(each.report, Report):
        submission.notes = [clean(note) for note in each.report.warnings]
    submission.fields = needed_fields(each.fields, result)
    return submission
