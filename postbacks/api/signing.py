"""The address that makes the signing key of a postback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from actions.api.answers import answer
from actions.api.authority import AccountToken, token_of
from actions.api.rights import Scope
from postbacks.api import shapes
from postbacks.api.answering import CHANGE
from postbacks.api.postbacks import find_postback
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import read_object, refuse_unknown
from postbacks.api.shapes import MAX_OVERLAP_HOURS, json_body
from postbacks.credentials.signing.renewal import SigningError, renew

router = Router(tags=["Postbacks"], auth=AccountToken(Scope.MANAGE))
_USUAL_HOURS = 24  # As on the screen.


@router.post(
    "/{postback_id}/signing-key",
    response={200: shapes.NewKey, **CHANGE},
    summary="Make a signing key",
    openapi_extra=json_body(shapes.KEY),
)
def make_signing_key(request: HttpRequest, postback_id: str) -> HttpResponse:
    """Requests are signed with it from now on, and with the previous one for `overlap_hours`."""
    postback = find_postback(token_of(request), postback_id)
    asked = read_object(request)
    refuse_unknown(asked, ("overlap_hours",))
    hours = _hours(asked.get("overlap_hours", _USUAL_HOURS))
    try:
        with transaction.atomic():
            key = renew(postback, timedelta(hours=hours))
    except SigningError as error:
        raise RefusedError(400, str(error), "headers") from error
    return answer(request, {"key": str(key), "previous_until": postback.previous_signing_key_until})


def _hours(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_OVERLAP_HOURS:
        text = f"overlap_hours: This must be a whole number from 0 to {MAX_OVERLAP_HOURS}."
        raise RefusedError(400, text, "overlap_hours")
    return given
