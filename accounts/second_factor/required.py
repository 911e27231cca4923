"""Sends who has signed in with a password alone to the second factor, before any page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.roles.table import PERMISSIONS, Role
from accounts.second_factor.model import SecondFactor

VERIFY: Final = "second_factor"
SET_UP: Final = "second_factor_set_up"
# Ways in and out, and what their pages load.
_OPEN: Final = (VERIFY, SET_UP, "admin:login", "admin:logout", "admin:jsi18n")
_MAY_CHANGE: Final = frozenset().union(*PERMISSIONS.values()) - PERMISSIONS[Role.VIEWER]

_Next = Callable[[HttpRequest], HttpResponseBase]


def second_factor(get_response: _Next) -> _Next:
    """Middleware; it comes after that of django-otp, which says whether the session's user is verified."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user: Any = request.user
        if user.is_authenticated and not user.is_verified() and request.path_info not in map(reverse, _OPEN):
            page = VERIFY if has_one(user) else SET_UP if is_required_of(user) else ""
            if page:
                back = request.get_full_path() if request.method == "GET" else reverse("admin:index")
                return redirect(f"{reverse(page)}?{urlencode({'next': back})}")
        return get_response(request)

    return middleware


def has_one(user: Any) -> bool:
    """Whether the user has a second factor."""
    return bool(SecondFactor.objects.filter(user=user, confirmed=True).exists())


def is_required_of(user: Any) -> bool:
    """Whether SECOND_FACTOR requires one of this user."""
    match settings.SECOND_FACTOR:
        case "all":
            return True
        case "changing":
            return bool(user.is_superuser) or not _MAY_CHANGE.isdisjoint(user.get_all_permissions())
        case _:
            return False
