"""Every error of the API in its one documented shape, whoever raises it."""

# What handles an error is called with it, used or not.
# ruff: noqa: ARG001

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import django.db
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError
from psycopg2.errors import LockNotAvailable, QueryCanceled

from actions.api.addresses import is_api
from actions.api.answers import answer, error, errors_content
from actions.api.authority import TooManyRequestsError, allowance_of
from actions.api.bodies import BodyTooLargeError
from actions.api.negotiation import take_suffix
from actions.api.rights import ScopeMissingError
from actions.reports.rejected import Rejected
from actions.reports.storable import clean

_log = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = "5"
FAULT = "A fault of this system, noted in its log. Send the request again later."


def handle_errors(api: NinjaAPI) -> None:
    """Register an answer for each error that the endpoints raise."""
    api.add_exception_handler(AuthenticationError, _not_authorised)
    api.add_exception_handler(TooManyRequestsError, _too_many)
    api.add_exception_handler(ScopeMissingError, lambda request, exc: error(request, 403, str(exc)))
    api.add_exception_handler(BodyTooLargeError, lambda request, exc: error(request, 413, str(exc)))
    api.add_exception_handler(Rejected, _refused)
    api.add_exception_handler(ValidationError, _wrong_query)
    for django_refuses in (SuspiciousOperation, BadRequest):  # Such as more fields than it reads.
        api.add_exception_handler(django_refuses, lambda request, exc: error(request, 400, f"{exc}".partition("\n")[0]))
    api.add_exception_handler(django.db.Error, _no_database)
    api.add_exception_handler(Exception, _fault)


def api_answers(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware around every address of the API, also those that are not there.

    An address may have a suffix or a slash, what Django refuses gets the API's shape too, and each answer tells what a
    token may still do.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not is_api(request.path_info):
            return get_response(request)
        take_suffix(request)
        response = _nul(request) or get_response(request)
        if response.status_code == 404 and not _is_ours(response):
            response = error(request, 404, f"There is no address {request.path}; /api/docs lists them.")
        elif response.status_code == 400 and not _is_ours(response):
            text = "The request is not well formed: its host, headers or query cannot be read."
            response = error(request, 400, text)
        elif response.status_code == 405 and not _is_ours(response):
            allowed = response.headers.get("Allow", "")
            response = error(request, 405, f"{request.method} is not served here; expected is {allowed or 'another'}.")
            response.headers["Allow"] = allowed
        allowance = allowance_of(request)
        for name, value in (allowance.headers() if allowance else {}).items():
            response.headers[name] = value
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def _nul(request: HttpRequest) -> HttpResponse | None:
    """The refusal of an address or a query with a NUL character, which PostgreSQL cannot compare with anything."""
    if "\0" in request.path_info:
        return error(request, 404, "There is no address with a NUL character (%00); /api/docs lists them.")
    query = request.META.get("QUERY_STRING", "")
    if "%00" not in query and "\0" not in query:
        return None
    named = next((name for name, value in parse_qsl(query, keep_blank_values=True) if "\0" in value), "")
    return error(
        request, 400, f"{named or 'Query'}: it holds a NUL character (U+0000).", named.replace("\0", ""), "MALFORMED"
    )


def _is_ours(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith(("application/json", "application/xml"))


def _not_authorised(request: HttpRequest, exc: Any) -> HttpResponse:
    response = error(
        request, 401, "The account's SID and a token in force are needed, as user name and password (HTTP Basic)."
    )
    response.headers["WWW-Authenticate"] = 'Basic realm="conversion API", charset="UTF-8"'
    return response


def _too_many(request: HttpRequest, exc: Any) -> HttpResponse:
    return error(request, 429, str(exc))


def _refused(request: HttpRequest, exc: Any) -> HttpResponse:
    return error(request, 400, clean(str(exc)), clean(exc.field), exc.reason_code)


def _wrong_query(request: HttpRequest, exc: Any) -> HttpResponse:
    entries = [
        {"field": str(each["loc"][-1]), "level": "ERROR", "message": f"{each['loc'][-1]}: {each['msg']}."}
        for each in exc.errors
    ]
    return answer(request, errors_content(entries), 400)


def _no_database(request: HttpRequest, exc: Any) -> HttpResponse:
    if not isinstance(exc, (django.db.OperationalError, django.db.InterfaceError)):
        return _fault(request, exc)
    _log.error("%s %s: the database does not answer: %s", request.method, request.path, str(exc).strip())
    response = error(request, 503, not_recorded(exc))
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def not_recorded(exc: BaseException) -> str:
    """What is told of a report while the database fails."""
    return f"{_why(exc)}; nothing was recorded. Send the request again later."


def _why(exc: BaseException) -> str:
    """What to tell of an error of the database that may be gone at the next attempt."""
    if isinstance(exc.__cause__, QueryCanceled):
        return "The database needs too long for this now"
    if isinstance(exc.__cause__, LockNotAvailable):
        return "Another change holds what this report needs"
    return "The database does not answer now"


def _fault(request: HttpRequest, exc: Any) -> HttpResponse:
    _log.error("%s %s failed", request.method, request.path, exc_info=exc)
    return error(request, 500, FAULT)
