"""The URLs for machines: `/healthz`, `/readyz`, `/readyz/web`, `/metrics`.

They are answered before anything else looks at the request: probes use the address of a container, over plain HTTP,
without a session.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from operations.metrics.page import metrics
from operations.readiness import Check, all_checks, web_checks


def probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that answers probes; it must come first."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = ADDRESSES.get(request.path_info)
        if probe is None:
            return get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = probe(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def _healthz(_request: HttpRequest) -> HttpResponse:
    """Says only that this process answers; checks nothing else."""
    return JsonResponse({"alive": True})


def _readyz(_request: HttpRequest) -> HttpResponse:
    return _as_json(all_checks())


def _readyz_web(_request: HttpRequest) -> HttpResponse:
    return _as_json(web_checks())


def _as_json(checks: list[Check]) -> HttpResponse:
    ready = all(check.ok for check in checks)
    said = {check.name: {"ok": True} if check.ok else {"ok": False, "fix": check.fix} for check in checks}
    return JsonResponse({"ready": ready, "checks": said}, status=200 if ready else 503)


ADDRESSES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/readyz/web": _readyz_web,
    "/metrics": metrics,
}
