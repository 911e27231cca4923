"""What the sender of a report is told. Pure."""

from __future__ import annotations

from typing import Any

from actions.api.addresses import ACCOUNTS
from actions.api.answers import error_content
from actions.intake.reading import PROGRAM_NOT_ALLOWED, WRONG_REQUEST
from actions.recording.results import RejectedResult


def told(account_sid: str, submission_id: int, refusal: RejectedResult | None) -> tuple[int, dict[str, Any]]:
    """Status and content: where to read what became of the report, or what is wrong with the request itself."""
    if refusal is not None and refusal.reason_code in WRONG_REQUEST:
        status = 403 if refusal.reason_code == PROGRAM_NOT_ALLOWED else 400
        return status, error_content(refusal.message, refusal.field, refusal.reason_code)
    return 200, {"Status": "QUEUED", "QueuedUri": submission_uri(account_sid, submission_id)}


def submission_uri(account_sid: str, submission_id: int) -> str:
    """Where the submission is read."""
    return f"{ACCOUNTS}{account_sid}/APISubmissions/A-{submission_id}"
