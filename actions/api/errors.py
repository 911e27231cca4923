"""Every error of the API in its one documented shape, whoever raises it."""

# What handles an error is called with it, used or not.
# ruff: noqa: ARG001

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import django.db
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError
from psycopg2.errors import LockNotAvailable, QueryCanceled

from actions.api.answers import answer, error
from actions.api.authority import TooManyRequestsError, allowance_of
from actions.api.bodies import BodyTooLargeError
from actions.reports.rejected import Rejected

_log = logging.getLogger(__name__)
PREFIX = "/Advertisers/"
RETRY_AFTER_SECONDS = "5"


def handle_errors(api: NinjaAPI) -> None:
    """Register an answer for each error that the endpoints raise."""
    api.add_exception_handler(AuthenticationError, _not_authorised)
    api.add_exception_handler(TooManyRequestsError, _too_many)
    api.add_exception_handler(BodyTooLargeError, lambda request, exc: error(request, 413, str(exc)))
    api.add_exception_handler(Rejected, _refused)
    api.add_exception_handler(ValidationError, _wrong_query)
    api.add_exception_handler(django.db.Error, _no_database)
    api.add_exception_handler(Exception, _fault)


def api_answers(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: what Django refuses gets the API's shape too, and each answer tells what a token may still do."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not request.path_info.startswith(PREFIX):
            return response
        if response.status_code == 404 and not _is_ours(response):
            return error(request, 404, f"There is no address {request.path}; /api/docs lists them.")
        if response.status_code == 405 and not _is_ours(response):
            allowed = response.headers.get("Allow", "")
            response = error(request, 405, f"{request.method} is not served here; expected is {allowed or 'another'}.")
            response.headers["Allow"] = allowed
        allowance = allowance_of(request)
        for name, value in (allowance.headers() if allowance else {}).items():
            response.headers[name] = value
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


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
    return error(request, 400, str(exc), exc.field, exc.reason_code)


def _wrong_query(request: HttpRequest, exc: Any) -> HttpResponse:
    entries = [
        {"field": str(each["loc"][-1]), "level": "ERROR", "message": f"{each['loc'][-1]}: {each['msg']}."}
        for each in exc.errors
    ]
    return answer(request, {"Status": "ERROR", "Message": entries[0]["message"], "errors": entries}, 400)


def _no_database(request: HttpRequest, exc: Any) -> HttpResponse:
    if not isinstance(exc, (django.db.OperationalError, django.db.InterfaceError)):
        return _fault(request, exc)
    _log.error("%s %s: the database does not answer: %s", request.method, request.path, str(exc).strip())
    response = error(request, 503, f"{_why(exc)}; nothing was recorded. Send the request again later.")
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _why(exc: BaseException) -> str:
    """What to tell of an error of the database that may be gone at the next attempt."""
    if isinstance(exc.__cause__, QueryCanceled):
        return "The database needs too long for this now"
    if isinstance(exc.__cause__, LockNotAvailable):
        return "Another change holds what this report needs"
    return "The database does not answer now"


def _fault(request: HttpRequest, exc: Any) -> HttpResponse:
    _log.error("%s %s failed", request.method, request.path, exc_info=exc)
    return error(request, 500, "A fault of this system, noted in its log. Send the request again later.")
