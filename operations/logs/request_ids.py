"""The id of a request: in every line that is logged for it, and in its response.

An id that comes with the request (`X-Request-ID`, from a proxy) is kept, so that the lines of both can be matched.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        request_id = id_of(request.headers.get(HEADER, ""))
        # Django logs refusals after all middleware, with the request attached.
        setattr(request, _ATTRIBUTE, request_id)
        with logged_as(request_id):
            response = get_response(request)
        response.headers[HEADER] = request_id
        return response

    return middleware


def id_of(given: str) -> str:
    """The id of a request that came with this one, or without any."""
    return given if _USABLE.fullmatch(given) else secrets.token_hex(8)


@contextmanager
def logged_as(request_id: str) -> Iterator[None]:
    """Puts the id into every line that the block logs."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


class WithRequestId(logging.Filter):
    """Gives each record its `request_id`, empty outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        of_record = getattr(getattr(record, "request", None), _ATTRIBUTE, "")
        record.request_id = _current.get() or of_record
        return True
