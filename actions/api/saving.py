"""Notes on submissions what became of them, and writes them.

Each request makes one, and putting its statement together takes Django longer than the rest.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from actions.models import Submission
from actions.outcomes import Outcome, Recorded, RejectedOutcome, Repeated

_INSERT = """
INSERT INTO actions_submission (token_id, kind, result, received_at, processed_at, reason_code, message, notes, fields,
    action_id, batch_id, line, recorded, repeated, rejected)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING id
"""


def note_outcome(submission: Submission, outcome: Outcome) -> None:
    """Note on a submission what became of its report; it is not saved."""
    submission.reason_code = submission.message = ""
    match outcome:
        case Recorded(event):
            submission.result, submission.action_id = Submission.Result.RECORDED, event.action_id
            submission.reason_code = event.action.no_payout_reason
        case Repeated(action):
            submission.result, submission.action_id = Submission.Result.REPEATED, action.pk
            submission.reason_code = Repeated.reason_code
            submission.message = f"The action {action.action_id} has been reported before."
        case RejectedOutcome(code, message):
            submission.result, submission.reason_code, submission.message = Submission.Result.REJECTED, code, message


def save(submission: Submission) -> None:
    """Write a submission; a new one gets its id."""
    if submission.pk is not None:
        submission.save()
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                submission.token_id,
                str(submission.kind),
                str(submission.result),
                submission.received_at,
                submission.processed_at,
                submission.reason_code,
                submission.message,
                _json(submission.notes),
                _json(submission.fields),
                submission.action_id,
                submission.batch_id,
                submission.line,
                submission.recorded,
                submission.repeated,
                submission.rejected,
            ],
        )
        (submission.pk,) = cursor.fetchone()
    submission._state.adding = False  # noqa: SLF001 -- Django's documented interface


def _json(value: Any) -> str:
    return json.dumps(value)  # Whole numbers may be of any length.
