"""The addresses that show what a partner's postback sends, or would send, and send it once: with sample values."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from actions.api.answers import answer
from portal.api import shapes
from portal.api.authority import LinkToken, require, scope_of
from portal.api.postbacks import find_own
from portal.api.reading import changes_in, refused
from portal.history import note
from portal.models import PartnerLink
from portal.proposals.trying import WrongProposalError, tried
from portal.sessions import tries
from postbacks.api.answering import CHANGE
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import read_object, refuse_unknown
from postbacks.api.shapes import Tested, Tried, json_body
from postbacks.models import Postback
from postbacks.test_send import TestSend, send_once, try_out

router = Router(tags=["Partner API"], auth=LinkToken())
Right = PartnerLink.Right


@router.post(
    "/{postback_id}/preview",
    response={200: Tried, **CHANGE},
    summary="Preview a postback of yours",
    openapi_extra=json_body(shapes.TRIAL),
)
def preview_own(request: HttpRequest, postback_id: str) -> HttpResponse:
    """With the `changes`, which are not stored: they need the right to propose."""
    test_send, _postback = _tried(request, postback_id)
    return answer(request, _without_rules(test_send))


@router.post(
    "/{postback_id}/test",
    auth=LinkToken(Right.TEST),
    response={200: Tested, **CHANGE},
    summary="Send a test of a postback of yours",
    openapi_extra=json_body(shapes.TRIAL),
)
def test_own(request: HttpRequest, postback_id: str) -> HttpResponse:
    """The same, sent once: judged, but neither recorded nor retried. To another scheme, host or port go only the
    headers that come with the `changes`."""
    test_send, postback = _tried(request, postback_id)
    content = {**_without_rules(test_send), "answer": None}
    if test_send.request is not None and not test_send.errors:
        link = scope_of(request).link
        if not tries.TESTS.allows(link.pk):
            raise RefusedError(429, f"More than {tries.TESTS.most} tests in a minute. Wait, and go on.")
        content["answer"] = send_once(test_send.request, postback)
        note(link, postback, "Sent a test.")
    return answer(request, content)


def _tried(request: HttpRequest, postback_id: str) -> tuple[TestSend, Postback]:
    scope = scope_of(request)
    postback = find_own(scope, postback_id)
    asked = read_object(request)
    refuse_unknown(asked, ("changes",))
    changes = changes_in(asked)
    if not changes:
        return try_out(postback, {}, ""), postback
    require(scope.link, Right.PROPOSE)
    try:
        return tried(postback, changes)
    except WrongProposalError as error:
        raise refused(error) from error


def _without_rules(test_send: TestSend) -> dict[str, Any]:
    """Without the conditions of the brand, which are none of a partner's business."""
    return {**test_send.as_json(), "not_fired": None, "words": {}}
