"""The addresses of the conversion API."""

# The account's SID is in each address; who may use it is settled before an endpoint is called.
# ruff: noqa: ARG001

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import NinjaAPI, Query

from actions.api import shapes
from actions.api.answers import answer, error
from actions.api.authority import AccountToken, token_of
from actions.api.batch import MAX_LINES, take_batch
from actions.api.bodies import FORM, JSON, LINES, read_fields
from actions.api.errors import handle_errors
from actions.api.reading import settled_updates, shown_actions, shown_update
from actions.api.shapes import ActionFilter, Error, Queued, UpdateFilter, body
from actions.api.submit import WRONG_REQUEST, submit
from actions.models import Action, ActionEvent, Submission
from actions.reports.fields import write_date
from actions.reports.report import ACTION_ID
from partners.ids import row_of

api = NinjaAPI(
    title="Partner Postbacks: conversion API",
    version="1",
    description=(
        "Report conversions and changes of them, and read what became of them. Answers are JSON where `Accept` "
        "asks for application/json, else XML. The user name is the account's SID, the password one of its tokens."
    ),
    openapi_url="/api/openapi.json",
    docs_url="/api/docs",
    urls_namespace="conversion_api",
    auth=AccountToken(),
)
handle_errors(api)

ACCOUNT = "/Advertisers/{account_sid}"
_REFUSALS = {401: Error, 405: Error, 429: Error, 500: Error, 503: Error}
_REPORT: dict[Any, Any] = {200: Queued, 400: Error, 413: Error, **_REFUSALS}
_READ: dict[Any, Any] = {400: Error, 404: Error, **_REFUSALS}


@api.post(
    f"{ACCOUNT}/Conversions",
    response=_REPORT,
    summary="Report a conversion",
    openapi_extra=body(
        "CampaignId, ActionTrackerId, EventDate, OrderId, and everything else that is known.", FORM, JSON
    ),
)
def report_conversion(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.CONVERSION)


@api.put(
    f"{ACCOUNT}/Actions",
    response=_REPORT,
    summary="Change an action",
    openapi_extra=body(
        "ActionId, or ActionTrackerId and OrderId; what is new; Reason. `Event` restored brings a reversed one back.",
        FORM,
        JSON,
    ),
)
def change_action(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.CHANGE)


@api.delete(
    f"{ACCOUNT}/Actions",
    response=_REPORT,
    summary="Reverse an action",
    openapi_extra=body(
        "ActionId, or ActionTrackerId and OrderId; DispositionCode. The query serves as well.", FORM, JSON
    ),
)
def reverse_action(request: HttpRequest, account_sid: str) -> HttpResponse:
    return _submit(request, account_sid, Submission.Kind.REVERSAL)


@api.post(
    f"{ACCOUNT}/Conversions/Batch",
    response={400: Error, 413: Error, 415: Error, 422: Error, **_REFUSALS},
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
        **body(f"A report a line, `Event` tells what it is; up to {MAX_LINES:,} lines.", LINES),
        "responses": {
            200: {
                "description": "A result a line: Line, Result, ActionId, ErrorReason, Message, Submission, Notes.",
                "content": {LINES: {"schema": {"type": "string"}}},
            }
        },
    },
)
def report_batch(request: HttpRequest, account_sid: str) -> Any:
    return take_batch(request, token_of(request), lambda submission: _uri(account_sid, submission))


@api.get(f"{ACCOUNT}/Actions", response={200: shapes.ActionsPage, **_READ}, summary="List actions")
def list_actions(request: HttpRequest, account_sid: str, wanted: Query[ActionFilter]) -> HttpResponse:
    actions = list(_wanted_actions(wanted)[: wanted.PageSize + 1])
    page = actions[: wanted.PageSize]
    following = ""
    if len(actions) > len(page):
        following = _next(request, BeforeId=page[-1].pk)
    return answer(request, {"Actions": shown_actions(page), "NextPageUri": following})


@api.get(f"{ACCOUNT}/Actions/{{action_id}}", response={200: dict[str, Any], **_READ}, summary="Read an action")
def read_action(request: HttpRequest, account_sid: str, action_id: str) -> HttpResponse:
    action = _find_action(action_id)
    if action is None:
        return error(request, 404, f"There is no action {action_id!r}.", "ActionId", "ACTION_NOT_FOUND")
    return answer(request, shown_actions([action])[0])


@api.get(f"{ACCOUNT}/ActionUpdates", response={200: shapes.UpdatesPage, **_READ}, summary="Read what has changed")
def list_updates(request: HttpRequest, account_sid: str, wanted: Query[UpdateFilter]) -> HttpResponse:
    updates: QuerySet[ActionEvent] = settled_updates(wanted.AfterId)
    if wanted.ActionId:
        action = _find_action(wanted.ActionId)
        if action is None:
            return error(request, 404, f"There is no action {wanted.ActionId!r}.", "ActionId", "ACTION_NOT_FOUND")
        updates = ActionEvent.objects.filter(
            action=action, id__gt=wanted.AfterId, kind__in=ActionEvent.NON_STANDARD
        ).order_by("id")
    page = list(updates[: wanted.PageSize])
    following = _next(request, AfterId=page[-1].pk if page else wanted.AfterId)
    return answer(request, {"ActionUpdates": [shown_update(event) for event in page], "NextPageUri": following})


@api.get(
    f"{ACCOUNT}/APISubmissions/{{submission_id}}",
    response={200: shapes.SubmissionShape, **_READ},
    summary="Read what became of a request",
)
def read_submission(request: HttpRequest, account_sid: str, submission_id: str) -> HttpResponse:
    found = row_of(Submission.objects.select_related("action"), submission_id.removeprefix("A-"))
    if found is None:
        return error(request, 404, f"There is no submission {submission_id!r}.")
    return answer(request, _submission(found))


def _submit(request: HttpRequest, account_sid: str, kind: Submission.Kind) -> HttpResponse:
    fields = read_fields(request, query=kind == Submission.Kind.REVERSAL)
    submission, refusal = submit(token_of(request), kind, fields)
    if refusal is not None and refusal.reason_code in WRONG_REQUEST:
        return error(request, 400, refusal.message, refusal.field, refusal.reason_code)
    return answer(request, {"Status": "QUEUED", "QueuedUri": _uri(account_sid, submission)})


def _uri(account_sid: str, submission: Submission) -> str:
    return reverse("conversion_api:read_submission", args=(account_sid, submission.public_id))


def _next(request: HttpRequest, **changed: int) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in changed}
    return f"{request.path}?{urlencode({**kept, **changed})}"


def _find_action(public_id: str) -> Action | None:
    match = ACTION_ID.fullmatch(public_id)
    if not match:
        return None
    program, tracker, sequence = (int(number) for number in match.groups())
    return Action.objects.filter(pk=sequence, program=program, action_tracker=tracker).first()


def _wanted_actions(wanted: ActionFilter) -> QuerySet[Action]:
    given = {
        "order_id": wanted.OrderId or None,
        "program": wanted.CampaignId,
        "action_tracker": wanted.ActionTrackerId,
        "partner": wanted.MediaPartnerId,
        "status": wanted.State or None,
        "event_date__date__gte": wanted.StartDate,
        "event_date__date__lte": wanted.EndDate,
        "id__lt": wanted.BeforeId,
    }
    return Action.objects.filter(**{name: value for name, value in given.items() if value is not None}).order_by("-id")


_STATUS = {Submission.Result.WAITING: "Queued", Submission.Result.RUNNING: "In Progress"}


def _submission(submission: Submission) -> dict[str, Any]:
    result = Submission.Result(submission.result)
    is_batch = submission.kind == Submission.Kind.BATCH and submission.line is None
    error_type = {Submission.Result.REJECTED: "REJECTED", Submission.Result.REPEATED: "REPEATED"}.get(result, "")
    return {
        "Id": submission.public_id,
        "Status": _STATUS.get(result, "Complete"),
        "Result": result.value,
        "ErrorType": error_type,
        "ErrorReason": submission.reason_code,
        "Message": submission.message,
        "ActionId": submission.action.action_id if submission.action else "",
        "ReceivedDate": write_date(submission.received_at.replace(microsecond=0)),
        "ProcessedDate": write_date(submission.processed_at.replace(microsecond=0)),
        "Notes": submission.notes,
        "Recorded": submission.recorded,
        "Repeated": submission.repeated,
        "Rejected": submission.rejected,
        "Waiting": submission.lines.filter(result=Submission.Result.WAITING).count() if is_batch else 0,
    }
