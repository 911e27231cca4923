"""Notes on submissions what became of their reports, and keeps what a report said for as long as it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actions.models import Submission
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, Waiting
from actions.reports.named_values import value_of
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.reports.storable import clean, storable

MAX_ORDER_ID: Final = 255  # Of the column; no longer one is taken.


def note_result(submission: Submission, result: Result) -> None:
    """Note on a submission what became of its report; it is not saved."""
    submission.reason_code = submission.message = ""
    order_id = _order_id(result)
    if order_id:
        submission.order_id = order_id
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


def note_order(submission: Submission, report: Report | Rejected, fields: Mapping[str, Any]) -> None:
    """Note on a submission of which order its report is, as far as it tells; it is not saved."""
    told = report.order_id if isinstance(report, Report) else value_of(fields, "OrderId")
    submission.order_id = clean(told)[:MAX_ORDER_ID]


def _order_id(result: Result) -> str:
    match result:
        case Recorded(event):
            return str(event.action.order_id)
        case Repeated(action):
            return str(action.order_id)
        case Waiting():
            return result.order_id
    return ""


def needed_fields(fields: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """What is kept of a report: nothing once it is recorded, all while it is refused or waits for its order."""
    return storable(fields) if isinstance(result, (RejectedResult, Waiting)) else {}
