"""The answer after too many failed sign-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """A page with status 429 that says how long to wait. It does not reveal whether the user name exists."""
    wait: timedelta = settings.AXES_COOLOFF_TIME
    minutes = round(wait.total_seconds() / 60)
    answer = render(request, "429.html", {"minutes": minutes}, status=429)
    answer.headers["Retry-After"] = str(minutes * 60)
    return answer
