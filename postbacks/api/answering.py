"""What the addresses of the management API share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from actions.api.answers import answer
from actions.api.shapes import Error
from postbacks.api.refusals import RefusedError
from postbacks.api.shown import version_of
from postbacks.models import Postback

REFUSALS: dict[Any, Any] = {400: Error, 401: Error, 403: Error, 405: Error, 429: Error, 500: Error, 503: Error}
OF_ONE: dict[Any, Any] = {404: Error, **REFUSALS}
CHANGE: dict[Any, Any] = {413: Error, 415: Error, **OF_ONE}

IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The `ETag` with which the postback was read, or *.",
}


def page(
    request: HttpRequest, name: str, rows: Sequence[Any], *, limit: int, place: str, show: Callable[[Any], Any]
) -> HttpResponse:
    """A page of at most `limit` rows, of which one more was read; `place` is the filter that begins the next one."""
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        kept = {key: value for key, value in request.GET.items() if key != place}
        following = f"{request.path}?{urlencode({**kept, place: shown[-1].pk})}"
    return answer(request, {name: [show(each) for each in shown], "next": following})


def with_version(response: HttpResponse, postback: Postback) -> HttpResponse:
    """The answer with the version of the postback that it shows."""
    response.headers["ETag"] = f'"{version_of(postback)}"'
    return response


def check_version(request: HttpRequest, postback: Postback, *, required: bool) -> None:
    """Raises RefusedError if the request was made for another version than the present one."""
    wanted = request.headers.get("If-Match", "").strip()
    if not wanted and required:
        text = "If-Match is missing. Send the ETag with which the postback was read, or * to overwrite any version."
        raise RefusedError(428, text, "If-Match")
    versions = {each.strip().removeprefix("W/").strip('"') for each in wanted.split(",")}
    if wanted and not versions & {"*", version_of(postback)}:
        text = "The postback has been changed since it was read. Read it again, and repeat the change."
        raise RefusedError(412, text, "If-Match")
