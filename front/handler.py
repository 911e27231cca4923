"""Django, asked by one of its threads: a whole request becomes a response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.core import signals
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.encoding import repercent_broken_unicode

from tracing import traces

# A response whose length is known and small is sent as a whole, so that its thread need not wait for the client.
WHOLE_BYTES = 4 * 1024 * 1024

Headers = list[tuple[bytes, bytes]]


class Handler(BaseHandler):
    """Django without threads and connections of its own. Make one per process; any thread may call it."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()

    def respond(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        """The response to a request whose whole body is in `body`. The caller closes it."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request = request_of(scope, body)
        response = self.get_response(request)
        if traces.are_on() and request.resolver_match is not None:
            traces.routed(request.resolver_match.route)
        return response


def request_of(scope: dict[str, Any], body: IO[bytes]) -> ASGIRequest:
    """Django's request. Its path is read as WSGI servers do it: bytes that are no UTF-8 stay percent-encoded."""
    raw = scope.get("raw_path")
    path = repercent_broken_unicode(unquote_to_bytes(raw.partition(b"?")[0])).decode() if raw else scope["path"]
    return ASGIRequest({**scope, "path": path, "headers": _unambiguous(scope["headers"])}, body)


def _unambiguous(headers: Headers) -> Headers:
    """Without names that contain `_`: to Django they would look like those with `-`, which proxies vouch for."""
    return [(name, value) for name, value in headers if b"_" not in name]


def head_of(response: HttpResponseBase) -> tuple[int, Headers]:
    """Status and headers, with the cookies, as bytes."""
    headers = [(name.encode("ascii").lower(), value.encode("latin-1")) for name, value in response.items()]
    headers += [
        (b"set-cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()
    ]
    return response.status_code, headers


def whole_body(response: HttpResponseBase) -> bytes | None:
    """The body, unless it is made while it is sent, or large."""
    if isinstance(response, HttpResponse):
        return response.content
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) <= WHOLE_BYTES:
        return b"".join(pieces_of(response))
    return None


def pieces_of(response: HttpResponseBase) -> Iterator[bytes]:
    """The body of a response that is made while it is sent."""
    if not isinstance(response, StreamingHttpResponse):
        raise TypeError(f"{type(response).__name__} has no pieces.")
    yield from response
