"""Requests that nobody can have meant are refused, so that no page fails at them.

A NUL is refused in whatever names or asks something: no text in the database can hold one, and PostgreSQL refuses it
in any condition. Nobody types it; it comes from programs that look for faults. Values inside the bodies of the API are
judged with the others that a report may not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from actions.api.addresses import is_api

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_Next = Callable[[HttpRequest], HttpResponseBase]


def without_nul(get_response: _Next) -> _Next:
    """Middleware that answers 400 where a path, a query, a form or a cookie has a NUL."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if any("\0" in text for text in _texts(request)):
            raise BadRequest("The request has a NUL, which no text here can have.")
        return get_response(request)

    return middleware


def _texts(request: HttpRequest) -> Iterable[str]:
    yield request.path_info
    yield from _pairs(request.GET)
    yield from request.COOKIES.values()
    if request.method == "POST" and request.content_type in _FORMS and not is_api(request.path_info):
        yield from _pairs(request.POST)


def _pairs(given: QueryDict) -> Iterable[str]:
    for name, values in given.lists():
        yield name
        yield from values
