"""What the theme calls when it shows the first page of the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from postbacks.admin.dashboard.chart import HEIGHT, WIDTH
from postbacks.admin.dashboard.figures import read_figures
from postbacks.admin.dashboard.spans import SPANS, span_named
from postbacks.admin.first_start.checklist import first_start
from postbacks.admin.first_start.views import ADMINISTERS

_OPTIMIZE = "optimize_sources.view_mediasource"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the figures to the context, for users who may see deliveries."""
    if request.user.has_perm("postbacks.view_delivery"):
        span = span_named(request.GET.get("span", ""))
        context |= {
            "figures": read_figures(span, networks=request.user.has_perm(_OPTIMIZE)),
            "spans": SPANS.values(),
            "chart_width": WIDTH,
            "chart_height": HEIGHT,
            "first_start": first_start(request.user),
            "offers_sample": request.user.has_perm(ADMINISTERS),
        }
    return context
