"""Making the sample, reporting a conversion of it, seeing what its receiver took, and removing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from postbacks import sample as samples
from postbacks.models import Attempt, Postback

ADMINISTERS: Final = "auth.change_group"
"""The permission of administrators: whoever has it can do more than make a sample."""
URL_NAME: Final = "postbacks_sample"
# What the sample's URL carries. Whatever else somebody may have it carry is not shown here.
_SHOWN: Final = ("id", "event", "status", "amount", "payout")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that the receiver took, with the values of its query that the sample sends."""

    attempt: Attempt
    values: list[tuple[str, str]]


def sample_urls(view: Callable[[Any], Any]) -> list[URLPattern]:
    """The pages of the sample, as part of those of postbacks."""
    return [
        path("sample/", view(sample_view), name=URL_NAME),
        path("sample/make/", view(require_POST(make_view)), name=f"{URL_NAME}_make"),
        path("sample/report/", view(require_POST(report_view)), name=f"{URL_NAME}_report"),
        path("sample/remove/", view(require_POST(remove_view)), name=f"{URL_NAME}_remove"),
    ]


def sample_view(request: HttpRequest) -> HttpResponse:
    """What the receiver took last."""
    _administers(request)
    sample = samples.find()
    context = {
        **admin.site.each_context(request),
        "opts": Postback._meta,  # noqa: SLF001 -- Django's documented interface
        "title": "Sample",
        "sample": sample,
        "arrivals": [_arrival(each) for each in samples.arrived(sample)] if sample else [],
    }
    return TemplateResponse(request, "admin/postbacks/first_start/sample.html", context)


def make_view(request: HttpRequest) -> HttpResponse:
    """Makes the sample and reports its first conversion."""
    _administers(request)
    return _done(request, lambda: _report(samples.make()), to=f"admin:{URL_NAME}")


def report_view(request: HttpRequest) -> HttpResponse:
    _administers(request)
    return _done(request, lambda: _report(_found()), to=f"admin:{URL_NAME}")


def remove_view(request: HttpRequest) -> HttpResponse:
    _administers(request)

    def removed() -> str:
        samples.remove(_found())
        return "The sample is removed, with all that it had made."

    return _done(request, removed, to="admin:index")


def _report(sample: samples.Sample) -> str:
    action = samples.report(sample)
    return f"The conversion {action.order_id} is reported. A worker sends it to the built-in receiver."


def _found() -> samples.Sample:
    sample = samples.find()
    if sample is None:
        raise samples.SampleError("There is no sample: make one on the dashboard.")
    return sample


def _done(request: HttpRequest, what: Callable[[], str], to: str) -> HttpResponse:
    try:
        messages.success(request, what())
    except samples.SampleError as error:
        messages.error(request, str(error))
        to = f"admin:{URL_NAME}"
    return redirect(to)


def _administers(request: HttpRequest) -> None:
    if not request.user.has_perm(ADMINISTERS):
        raise PermissionDenied


def _arrival(attempt: Attempt) -> Arrival:
    given = dict(parse_qsl(urlsplit(attempt.url).query))
    return Arrival(attempt, [(name, given[name]) for name in _SHOWN if name in given])
