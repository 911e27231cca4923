"""Which postbacks are failing, for the filters and the order of a page."""

from __future__ import annotations

from django.http import HttpRequest

from postbacks.admin.integrations.rows import last_day
from postbacks.delivery_log.failing import costliest_first, failing_among
from postbacks.metrics.read import counts_by_postback, one_moment
from postbacks.models import Postback, Rollup


def failing_now(request: HttpRequest) -> list[int]:
    """The postbacks that are failing, by what they cost; read once for a request."""
    found: list[int] | None = getattr(request, "failing_postbacks", None)
    if found is None:
        sending = set(
            Postback.objects.existing().filter(paused_at=None, lane__held_since=None).values_list("pk", flat=True)
        )
        with one_moment() as now:
            counts = counts_by_postback(Rollup.Period.HOUR, last_day(now))
            failing = failing_among({pk: sums for pk, sums in counts.items() if pk in sending}, now)
            found = costliest_first(failing, counts)
        request.failing_postbacks = found  # type: ignore[attr-defined]  # for the filter and the order of one page
    return found
