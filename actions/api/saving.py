"""Writes submissions.

Each request makes one, and putting its statement together takes Django longer than the rest.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from actions.models import Submission

_INSERT = """
INSERT INTO actions_submission (token_id, kind, result, received_at, processed_at, reason_code, message, notes, fields,
    action_id, batch_id, line, recorded, repeated, rejected, order_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING id
"""


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
                submission.order_id,
            ],
        )
        (submission.pk,) = cursor.fetchone()
    submission._state.adding = False  # noqa: SLF001 -- Django's documented interface


def _json(value: Any) -> str:
    return json.dumps(value)  # Whole numbers may be of any length.
