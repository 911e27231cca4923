"""The id of a request: in every line that is logged for it, and in its response.

An id that comes with the request (`X-Request-ID`, from a proxy) is kept, so that the lines of both can be matched.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[\w.:/+=-]{1,64}", re.ASCII)

_current: ContextVar[str] = ContextVar("request_id", default="")
_ATTRIBUTE = "_postbacks_request_id"


def request_ids(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that gives each request its id."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if _USABLE.fullmatch(given) else secrets.token_hex(8)
        # Django logs refusals after all middleware, with the request attached.
        setattr(request, _ATTRIBUTE, request_id)
        token = _current.set(request_id)
        try:
            response = get_response(request)
        finally:
            _current.reset(token)
        response.headers[HEADER] = request_id
        return response

    return middleware


class WithRequestId(logging.Filter):
    """Gives each record its `request_id`, empty outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        of_record = getattr(getattr(record, "request", None), _ATTRIBUTE, "")
        record.request_id = _current.get() or of_record
        return True
