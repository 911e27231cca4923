"""What became of a request, under the documented names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.db.models import Count

from actions.api.documented import SUBMISSION, filled
from actions.api.reading import code_of
from actions.api.rights import sees_personal, sees_texts_of
from actions.intake.text import from_text
from actions.models import ApiToken, QueuedReport, Submission
from actions.reports.fields import write_date
from actions.reports.report import NAMES
from actions.reports.storable import storable
from partners.ids import row_of

Kind, Result = Submission.Kind, Submission.Result

TYPES: Final = {
    Kind.CONVERSION: "Conversion",
    Kind.CHANGE: "Modification",
    Kind.REVERSAL: "Reversal",
    Kind.BATCH: "Batch",
    Kind.FILE: "File",
}
_OPEN: Final = {Result.RUNNING: "In Progress", Result.WAITING: "Queued"}
VALIDATION, CONTRACT_ERROR = "Validation", "Contract Error"
# The report can be read, and no contract pays for it. All others are errors of what was reported.
_OF_CONTRACTS: Final = frozenset(
    {
        "ACTIONTERMS_NOT_FOUND",
        "CONTRACT_NOT_FOUND",
        "NO_VALID_ACTION_REF",
        "OVERLIMIT_ACTIONCAP",
        "OVERLIMIT_BUDGET",
        "PARTNER_NOT_ACTIVE",
        "PARTNER_NOT_FOUND",
        "UNCLAIMED",
    }
)
_FROM_REPORT: Final = ("CampaignId", "ActionTrackerId", "MediaPartnerId", "EventCode", "OrderId")


def shown_submissions(submissions: Sequence[Submission], token: ApiToken, account: str) -> Iterator[dict[str, Any]]:
    """Each of these submissions as the token is shown it; `account` is where the account's addresses begin."""
    batches = [each.pk for each in submissions if each.kind == Kind.BATCH]
    waiting = Submission.objects.filter(batch__in=batches, result=Result.WAITING).order_by().values("batch")
    counts = dict(waiting.values_list("batch", Count("pk"))) if batches else {}
    return (_shown(each, token, account, counts.get(each.pk, 0)) for each in submissions)


def shown_submission(submission: Submission, token: ApiToken, account: str) -> dict[str, Any]:
    """One submission, with its action and the action's event type loaded."""
    return next(shown_submissions([submission], token, account))


def queued_submission(token: ApiToken, pk: str) -> Submission | None:
    """A submission of the token's that is answered and not recorded yet, as long as something is in its way."""
    row = row_of(QueuedReport.objects.filter(token=token), pk)
    if row is None:
        return None
    return Submission(
        pk=row.pk,
        token=token,
        kind=row.kind,
        result=Result.RUNNING,
        received_at=row.received_at,
        processed_at=row.received_at,
        fields=storable(from_text(row.fields)),
        order_id=row.order_id,
    )


def _shown(submission: Submission, token: ApiToken, account: str, waiting: int) -> dict[str, Any]:
    status = _OPEN.get(Result(submission.result), "Complete")
    if status == "In Progress" and submission.kind != Kind.BATCH:
        status = "Queued"  # It is answered, and not recorded yet.
    texts = sees_texts_of(token, submission)
    arrived = write_date(submission.received_at.replace(microsecond=0))
    processed = write_date(submission.processed_at.replace(microsecond=0))
    values = _about(submission) | {
        "Id": submission.public_id,
        "BatchId": submission.public_id,
        "AccountId": "1",
        "SubmissionDate": arrived,
        "ReceivedDate": arrived,
        "Payload": _payload(submission) if sees_personal(token) else "",
        "Type": TYPES[Kind(submission.kind)],
        "Status": status,
        "Result": Result(submission.result).value,
        "CompletionDate": processed if status == "Complete" else "",
        "ProcessedDate": processed if status != "Queued" or submission.result == Result.WAITING else "",
        "ErrorType": _error_type(submission.reason_code),
        "ErrorReason": submission.reason_code,
        "Message": submission.message if texts else "",
        "ActionId": submission.action.action_id if submission.action else "",
        "Notes": submission.notes if texts else [],
        "Recorded": submission.recorded,
        "Repeated": submission.repeated,
        "Rejected": submission.rejected,
        "Waiting": waiting,
        "Uri": f"{account}/APISubmissions/{submission.public_id}",
    }
    return filled(SUBMISSION, values)


def _about(submission: Submission) -> dict[str, str]:
    """What it was about: its action, or what was reported while that is kept."""
    action = submission.action
    if action is not None:
        return {
            "CampaignId": str(action.program_id),
            "ActionTrackerId": str(action.action_tracker_id),
            "MediaPartnerId": str(action.partner_id or ""),
            "EventCode": action.event_code or code_of(action.action_tracker),
            "OrderId": action.order_id,
        }
    reported = {NAMES.meaning(name).field: value for name, value in submission.fields.items()}
    return {name: _text(reported[name]) for name in _FROM_REPORT if name in reported}


def _payload(submission: Submission) -> str:
    """What was reported, of one that was refused; what waits will be an action's."""
    if submission.result != Result.REJECTED:
        return ""
    return urlencode({name: _text(value) for name, value in submission.fields.items()})


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, (str, int)) else orjson.dumps(value).decode()


def _error_type(reason_code: str) -> str:
    if not reason_code:
        return ""
    return CONTRACT_ERROR if reason_code in _OF_CONTRACTS else VALIDATION
