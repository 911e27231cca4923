"""Shows times in the user's time zone: the browser names it in a cookie (`time-zone.js`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "time_zone"

_Next = Callable[[HttpRequest], HttpResponse]


def browsers_time_zone(get_response: _Next) -> _Next:
    """Middleware that sets the time zone. Without a valid cookie, it is TIME_ZONE of the settings."""

    def respond(request: HttpRequest) -> HttpResponse:
        zone = zone_named(request.COOKIES.get(COOKIE, ""))
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            return get_response(request)

    return respond


def zone_named(name: str) -> ZoneInfo | None:
    """The zone in the IANA database, or None. Cookies are untrusted, so no file is opened for an unknown name."""
    return ZoneInfo(name) if name in _names() else None


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
