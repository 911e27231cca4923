"""The headers that Django's middleware gives every answer of the API, learnt from the middleware itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from actions.api.authority import allowance_of
from actions.api.rate import Allowance
from front.handler import Handler, Headers, head_of, request_of

_LEARNT_FROM: Final = "/Advertisers/PP/Conversions"


class _Learning(Handler):
    """Django with all of its middleware around an empty answer."""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        allowance_of(request, Allowance(0, 0))
        return HttpResponse(b"", content_type="application/json")


class StandingHeaders:
    """The headers of answers of the API, in Django's order."""

    def __init__(self) -> None:
        self._learning = _Learning()
        self._known: dict[bytes, Headers] = {}

    def of(self, scheme: bytes, host: bytes, own: dict[bytes, bytes]) -> Headers:
        """The headers of an answer to a request that came by this scheme, with `own` in the place of Django's.

        `scheme` is what the proxy says of it, empty without one.
        """
        standing = self._known.get(scheme)
        if standing is None:
            standing = self._known[scheme] = self._learn(scheme, host)
        return [(name, own.get(name, value)) for name, value in standing]

    def _learn(self, scheme: bytes, host: bytes) -> Headers:
        headers = [(b"host", host), *([(b"x-forwarded-proto", scheme)] if scheme else [])]
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": _LEARNT_FROM, "headers": headers}
        response = self._learning.get_response(request_of({**scope, "query_string": b""}, BytesIO()))
        return head_of(response)[1]
