"""The page that answers when a view has failed: a fault of ours, or a database that does not answer in time."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.defaults import server_error
from psycopg2.errors import LockNotAvailable, QueryCanceled

RETRY_AFTER_SECONDS = "5"

TOO_LONG = "This takes the database too long", "Narrow it down: filter by fewer days, or by one postback or partner."
LOCKED = "Something else is being changed", "Another change holds what this one needs. Try again in a moment."
AWAY = "The database does not answer", "Nothing was changed. Try again in a moment."


def page_of_failure(request: HttpRequest) -> HttpResponseBase:
    """Django's handler of status 500, called while it handles the exception."""
    error = sys.exception()
    if not isinstance(error, OperationalError | InterfaceError):
        return server_error(request)
    title, advice = why_unavailable(error)
    # Without the request: what else pages show may need the database.
    response = HttpResponse(render_to_string("503.html", {"title": title, "advice": advice}), status=503)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def why_unavailable(error: BaseException) -> tuple[str, str]:
    """What has happened, and what to do, for an error of the database that may be gone at the next attempt."""
    cause = error.__cause__
    if isinstance(cause, QueryCanceled):
        return TOO_LONG
    return LOCKED if isinstance(cause, LockNotAvailable) else AWAY
