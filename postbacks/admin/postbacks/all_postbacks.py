"""The list of all postbacks: with the figures of the last day, those that are failing first."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest

from partners.offered import OfferedOnly
from postbacks.admin.integrations.rows import last_day, rows_of
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


class FailingFirst(OfferedOnly):
    """The list in which failing postbacks come first, then held ones; each row has its figures."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering = list(super().get_ordering(request, queryset))
        if self.params.get("o"):
            return ordering  # The user has chosen a column.
        failing = failing_now(request)
        first = [When(pk=pk, then=Value(place)) for place, pk in enumerate(failing)]
        held = When(lane__held_since__isnull=False, paused_at=None, then=Value(len(first)))
        rank = Case(*first, held, default=Value(len(first) + 1), output_field=IntegerField())
        return [rank.asc(), *ordering]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        may_log = request.user.has_perm("postbacks.view_delivery")
        shown: list[Any] = list(self.result_list)
        for postback, row in zip(shown, rows_of(shown), strict=True):
            postback.row, postback.may_log = row, may_log
        self.result_list = shown
