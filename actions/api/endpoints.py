"""The addresses that conversions and changes of them are reported to."""

# The account's SID is in each address; who may use it is settled before an endpoint is called.

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from actions.api import reads, setup_reads
from actions.api.answers import answer
from actions.api.authority import token_of
from actions.api.batch import MAX_LINES, take_batch
from actions.api.described import REPORT, report_body
from actions.api.fields import LINES, read_fields
from actions.api.service import api
from actions.api.shapes import ACCOUNT, REFUSALS, Error, Queued
from actions.api.submit import submit
from actions.api.told import submission_uri, told
from actions.models import Submission

_REPORT: dict[Any, Any] = {200: Queued, 400: Error, 413: Error, **REFUSALS}


@api.post(
    f"{ACCOUNT}/Conversions",
    response=_REPORT,
    summary="Report a conversion",
    openapi_extra=report_body(
        "CampaignId, ActionTrackerId, EventDate, OrderId, and everything else that is known.", "conversion"
    ),
)
def report_conversion(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.CONVERSION)


@api.put(
    f"{ACCOUNT}/Actions",
    response=_REPORT,
    summary="Change an action",
    openapi_extra=report_body(
        "ActionId, or ActionTrackerId and OrderId; what is new; Reason. `Event` restored brings a reversed one back.",
        "change",
    ),
)
def change_action(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.CHANGE)


@api.delete(
    f"{ACCOUNT}/Actions",
    response=_REPORT,
    summary="Reverse an action",
    openapi_extra=report_body("ActionId, or ActionTrackerId and OrderId; DispositionCode.", "reversal"),
)
def reverse_action(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.REVERSAL)


@api.post(
    f"{ACCOUNT}/Conversions/Batch",
    response={400: Error, 413: Error, 415: Error, 422: Error, **REFUSALS},
    summary="Report up to ten thousand at once",
    openapi_extra={
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "maxLength": 255},
                "description": "Sent again with the same key, the same body is recorded once.",
            }
        ],
        "requestBody": {
            "description": f"A report a line, `Event` tells what it is; up to {MAX_LINES:,} lines.",
            "content": {LINES: {"schema": REPORT}},
        },
        "responses": {
            200: {
                "description": "A result a line: Line, Result, ActionId, ErrorReason, Message, Submission, Notes.",
                "content": {LINES: {"schema": {"type": "string"}}},
            }
        },
    },
)
def report_batch(request: HttpRequest, account_sid: str) -> Any:
    return take_batch(request, token_of(request), lambda submission: submission_uri(account_sid, submission.pk))


def _submit(request: HttpRequest, account_sid: str, kind: Submission.Kind) -> HttpResponse:
    submission, refusal = submit(token_of(request), kind, read_fields(request))
    status, content = told(account_sid, submission, refusal)
    return answer(request, content, status)


__all__ = ["api", "reads", "setup_reads"]  # The others add their addresses as they are imported.
