"""Which pages and addresses of the API may read from a replica, and that nobody reads what is older than what they
have done: see `stores.replica`. The middleware is there only with DATABASE_REPLICA_URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.conf import settings
from django.db import Error, connection
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from portal.sessions.session import COOKIE as PORTAL_COOKIE
from portal.sessions.session import PATH as PORTAL
from stores.replica import marks
from stores.replica.positions import COMMITTED, position
from stores.replica.reading import Reading

# Those that only show. A page with a form reads what the form will be compared with, so it is not among them; nor is
# one that shows a form's answer.
READ_THERE: Final = frozenset(
    {
        "admin:index",
        "admin:actions_action_change",
        "admin:actions_action_changelist",
        "admin:actions_actionevent_change",
        "admin:actions_actionevent_changelist",
        "admin:actions_submission_change",
        "admin:actions_submission_changelist",
        "admin:partners_partner_partner_integration",
        "admin:optimize_sources_mediasource_event_notifications",
        "admin:postbacks_delivery_change",
        "admin:postbacks_delivery_changelist",
        "admin:postbacks_delivery_export",
        "admin:postbacks_delivery_newer",
        "admin:postbacks_delivery_raw",
        "admin:postbacks_lane_changelist",
        "admin:postbacks_postback_changelist",
        "admin:postbacks_replay_changelist",
        "portal:deliveries",
        "portal:delivery",
        "portal:home",
        "portal:postback",
    }
)
# All that is read by a token.
_API: Final = "conversion_api"
_READING: Final = frozenset({"GET", "HEAD"})
_READING_OF: Final = "postbacks.replica"  # A key of the request's META.
LAG_HEADER: Final = "X-Replica-Lag-Seconds"

_Next = Callable[[HttpRequest], HttpResponseBase]


class Replica:
    """Middleware: lets those read from the replica that may, and notes who writes."""

    def __init__(self, get_response: _Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        credential = _credential(request)
        if not credential:
            return self._get_response(request)
        who = marks.who(credential)
        if request.method not in _READING:
            try:
                return self._get_response(request)
            finally:
                _note(who, by_token="Authorization" in request.headers)
        request.META[_READING_OF] = reading = Reading(who, allowed=False)
        with reading.begun():
            response = self._get_response(request)
        return _told(response, reading)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        reading: Reading | None = request.META.get(_READING_OF)
        if reading is not None:
            reading.allowed = may_read(request)


def may_read(request: HttpRequest) -> bool:
    """Whether what answers the request may read from the replica."""
    match = request.resolver_match
    return match is not None and (match.view_name in READ_THERE or match.namespaces == [_API])


def _credential(request: HttpRequest) -> str:
    """What shows who asks: a session's cookie or a token; empty for a stranger, who is shown nothing."""
    if token := request.headers.get("Authorization", ""):
        return token_of(token)
    name = PORTAL_COOKIE if request.path_info.startswith(PORTAL) else settings.SESSION_COOKIE_NAME
    return request.COOKIES.get(name, "")


def token_of(header: str) -> str:
    """The credentials in a header `Authorization`, the same however its scheme is written."""
    return header.partition(" ")[2].strip()


def _note(who: str, *, by_token: bool) -> None:
    """What a token reports may be recorded after its answer."""
    if by_token:
        marks.note(who, marks.OPEN)
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(COMMITTED)
            marks.note(who, position(cursor.fetchone()[0]))
    except Error:  # The request may have failed for the same reason; then there is nothing to wait for, or it is open.
        marks.note(who, marks.OPEN)


def _told(response: HttpResponseBase, reading: Reading) -> HttpResponseBase:
    """The response, with how old its rows may be."""
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        response.streaming_content = _sent(response.streaming_content, reading)
    if reading.lag is not None:
        response.headers[LAG_HEADER] = f"{reading.lag:.1f}"
    return response


def _sent(pieces: Any, reading: Reading) -> Iterator[bytes]:
    pieces = iter(pieces)
    while True:
        with reading.begun():
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece
