"""The time zone of the screens: the one that the user has chosen, else the browser's, else TIME_ZONE.

The browser names its own in a cookie (`time-zone.js`). The API is not affected.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.time_zone.model import chosen_zone

COOKIE: Final = "time_zone"
_SCREENS: Final = "/admin/"

_Next = Callable[[HttpRequest], HttpResponse]


def time_zone(get_response: _Next) -> _Next:
    """Middleware that sets the time zone, and leaves that of the settings where nobody names a known one."""

    def respond(request: HttpRequest) -> HttpResponse:
        zone = _zone_of(request) if request.path_info.startswith(_SCREENS) else None
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            return get_response(request)

    return respond


def zone_named(name: str) -> ZoneInfo | None:
    """The zone in the IANA database, or None. Cookies are untrusted, so no file is opened for an unknown name."""
    return ZoneInfo(name) if name in _names() else None


def _zone_of(request: HttpRequest) -> ZoneInfo | None:
    user: Any = request.user
    chosen = zone_named(chosen_zone(user.pk)) if user.is_authenticated else None
    return chosen or zone_named(request.COOKIES.get(COOKIE, ""))


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
