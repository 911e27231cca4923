"""The addresses that build the request of a postback, stored or not, and send it once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from actions.api.answers import answer
from actions.api.authority import AccountToken, token_of
from actions.api.rights import Scope, require
from actions.intake.reading import programs_of
from actions.models import ApiToken
from actions.reports.report import ACTION_ID
from postbacks.api import shapes
from postbacks.api.answering import CHANGE
from postbacks.api.postbacks import KEYS, OWNERS, changes_in, find_postback, owner_in
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import read_object, refuse_unknown
from postbacks.api.shapes import json_body
from postbacks.api.visible import trackers_of
from postbacks.config_file.one_postback import Saved, save_postback
from postbacks.models import Postback
from postbacks.test_send import ACTION, TestSend, send_once, try_out

router = Router(tags=["Postbacks"], auth=AccountToken(Scope.MANAGE))
_NAME = "(being tried)"  # No request contains it.


@router.post(
    "/preview",
    response={200: shapes.Tried, **CHANGE},
    summary="Preview a postback that is not stored",
    openapi_extra=json_body(shapes.TRIAL_OF_NEW),
)
def preview_new(request: HttpRequest) -> HttpResponse:
    """The request that it would send, or what is wrong with it. Nothing is stored or sent."""
    return _answer(request, None, send=False)


@router.post(
    "/test",
    response={200: shapes.Tested, **CHANGE},
    summary="Send a test of a postback that is not stored",
    openapi_extra=json_body(shapes.TRIAL_OF_NEW),
)
def test_new(request: HttpRequest) -> HttpResponse:
    """The same, sent once: judged, but neither recorded nor retried."""
    return _answer(request, None, send=True)


@router.post(
    "/{postback_id}/preview",
    response={200: shapes.Tried, **CHANGE},
    summary="Preview a postback",
    openapi_extra=json_body(shapes.TRIAL),
)
def preview_stored(request: HttpRequest, postback_id: str) -> HttpResponse:
    """With the changes under `postback`, which are not stored."""
    return _answer(request, find_postback(token_of(request), postback_id), send=False)


@router.post(
    "/{postback_id}/test",
    response={200: shapes.Tested, **CHANGE},
    summary="Send a test of a postback",
    openapi_extra=json_body(shapes.TRIAL),
)
def test_stored(request: HttpRequest, postback_id: str) -> HttpResponse:
    """The same, sent once. Stored secret headers go along only to the receiver that they were given for."""
    return _answer(request, find_postback(token_of(request), postback_id), send=True)


def _answer(request: HttpRequest, before: Postback | None, *, send: bool) -> HttpResponse:
    token, asked = token_of(request), read_object(request)
    refuse_unknown(asked, ("action_id", "postback"))
    given = asked.get("postback") or {}
    if not isinstance(given, dict):
        raise RefusedError(400, "postback: This must be an object with the keys of a postback.", "postback")
    action_id = _action_in(token, asked.get("action_id"))
    saved = _stored_for_now(token, given, before)
    if saved.postback is None:
        tried = TestSend(_source(action_id))
        for problem in saved.problems:
            tried.errors.setdefault(problem.place.path, []).append(problem.message)
    elif action_id and not _sees_action(token, action_id):
        tried = TestSend(_source(action_id), errors={ACTION: [f"There is no action {action_id}."]})
    else:
        tried = try_out(saved.postback, {}, action_id)
    if ACTION in tried.errors:
        tried.errors["action_id"] = tried.errors.pop(ACTION)
    content = tried.as_json()
    if send:
        ready = saved.postback is not None and tried.request is not None and not tried.errors
        content["answer"] = send_once(tried.request, saved.postback) if ready else None  # type: ignore[arg-type]
    return answer(request, content)


def _stored_for_now(token: ApiToken, given: dict[str, Any], before: Postback | None) -> Saved:
    """The postback with all rules applied, as if it were stored; it is not."""
    with transaction.atomic():
        if before is not None:
            values = changes_in(given, before)
            saved = save_postback(values, before.owner, trackers_of(token), before=before, dry_run=True)
        else:
            refuse_unknown(given, (*OWNERS, *KEYS))
            values = {"name": _NAME, **{name: value for name, value in given.items() if name in KEYS}}
            saved = save_postback(values, owner_in(token, given), trackers_of(token), dry_run=True)
    return saved


def _action_in(token: ApiToken, given: Any) -> str:
    """The action whose values are to be used, which may be personal. Raises ScopeMissingError and RefusedError."""
    if given is None or given == "":
        return ""
    if not isinstance(given, str):
        raise RefusedError(400, "action_id: This must be a text such as 1000.2001.158133.", "action_id")
    require(token, Scope.READ)
    require(token, Scope.PERSONAL)
    return given[:100].strip()


def _sees_action(token: ApiToken, action_id: str) -> bool:
    programs, match = programs_of(token), ACTION_ID.fullmatch(action_id)
    return programs is None or match is None or int(match[1]) in programs


def _source(action_id: str) -> str:
    return f"Action {action_id}" if action_id else "Sample values"
