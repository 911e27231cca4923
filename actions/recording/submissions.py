"""Notes on submissions what became of their reports, and keeps what a report said for as long as it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.models import Submission
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, Waiting
from actions.reports.storable import storable


def note_result(submission: Submission, result: Result) -> None:
    """Note on a submission what became of its report; it is not saved."""
    submission.reason_code = submission.message = ""
    match result:
        case Recorded(event):
            submission.result, submission.action_id = Submission.Result.RECORDED, event.action_id
            submission.reason_code = event.action.no_payout_reason
        case Repeated(action):
            submission.result, submission.action_id = Submission.Result.REPEATED, action.pk
            submission.reason_code = Repeated.reason_code
            submission.message = f"The action {action.action_id} has been reported before."
        case RejectedResult(code, message):
            submission.result, submission.reason_code, submission.message = Submission.Result.REJECTED, code, message
        case Waiting():
            submission.result, submission.message = Submission.Result.WAITING, result.message


def needed_fields(fields: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """What is kept of a report: nothing once it is recorded, all while it is refused or waits for its order."""
    return storable(fields) if isinstance(result, (RejectedResult, Waiting)) else {}
