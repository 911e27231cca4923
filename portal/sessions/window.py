"""What holds for every address of the portal, and only there: apart from the admin, framed by nobody but those who
may, never stored and never telling where a reader came from; and a link's secret is in no log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.links import SECRET
from portal.sessions.session import COOKIE, PATH
from value_types.secret_text import SecretText

_TAKEN: Final = "_portal_secret"  # An attribute of the request.
_OPEN: Final = f"{PATH}open/"
_Next = Callable[[HttpRequest], HttpResponseBase]


def window(get_response: _Next) -> _Next:
    """Middleware; it comes before whatever reads cookies or the query."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PATH):
            return get_response(request)
        # A user of the admin who looks through a link is nobody but the link there.
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if name == COOKIE}
        _take_secret(request)
        response = get_response(request)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        if settings.PORTAL_FRAME_ORIGINS:
            response._csp_replace = {"frame-ancestors": settings.PORTAL_FRAME_ORIGINS}  # type: ignore[attr-defined] # noqa: SLF001 -- what the decorator of django-csp sets
            del response.headers["X-Frame-Options"]  # It knows no origins.
        return response

    return middleware


def secret_of(request: HttpRequest) -> SecretText:
    """The secret that the address of the request had; empty without one."""
    return getattr(request, _TAKEN, SecretText(""))


def _take_secret(request: HttpRequest) -> None:
    """Before anything that could note the address: logs, error reports and debug pages show the request without it."""
    query = request.META.get("QUERY_STRING", "")
    given = dict(parse_qsl(query, max_num_fields=20)) if SECRET in query and query.count("&") < 20 else {}
    if SECRET in given:
        setattr(request, _TAKEN, SecretText(given[SECRET]))
    if SECRET in query and request.path_info in (_OPEN, _OPEN.rstrip("/")):
        request.path = request.path_info = _OPEN  # No redirection, which would have to say the secret again.
        request.META["QUERY_STRING"] = ""
        if hasattr(request, "scope"):
            request.scope["query_string"] = b""
