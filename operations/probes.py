"""The URLs for machines: `/healthz`, `/readyz`, `/readyz/web`, `/metrics`.

They are answered before anything else looks at the request: probes use the address of a container, over plain HTTP,
without a session. The front answers them on threads of their own; the middleware does where there is no front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from operations.metrics import page
from operations.readiness import Check, all_checks, web_checks


@dataclass(frozen=True)
class Probe:
    """What is answered at one address. `is_quick` if that asks no server; `may` returns why the client is refused."""

    say: Callable[[HttpRequest], HttpResponse]
    is_quick: bool = False
    may: Callable[[HttpRequest], HttpResponse | None] = lambda _request: None

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to a request that is not served; None if it is. Asks no server."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        refusal = self.may(request)
        return refusal and _not_kept(refusal)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request that is not refused."""
        return _not_kept(self.say(request))


def probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that answers probes; it must come first."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = ADDRESSES.get(request.path_info)
        if probe is None:
            return get_response(request)
        return probe.refusal(request) or probe.answer(request)

    return middleware


def _not_kept(response: HttpResponse) -> HttpResponse:
    """For answers that hold only now: no proxy may keep them."""
    response.headers["Cache-Control"] = "no-store"
    return response


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


ADDRESSES = {
    "/healthz": Probe(_healthz, is_quick=True),
    "/readyz": Probe(_readyz),
    "/readyz/web": Probe(_readyz_web),
    "/metrics": Probe(page.numbers, may=page.refusal),
}
