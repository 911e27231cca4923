"""The answer to whoever has failed to sign in too often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """The page that says how long to wait, with 429. It says nothing of users: not even whether the name exists."""
    wait: timedelta = settings.AXES_COOLOFF_TIME
    minutes = round(wait.total_seconds() / 60)
    answer = render(request, "429.html", {"minutes": minutes}, status=429)
    answer.headers["Retry-After"] = str(minutes * 60)
    return answer
