"""The list of all postbacks: with the figures of the last day, those that are failing first."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest

from partners.offered import OfferedOnly
from postbacks.admin.integrations.failing import failing_now
from postbacks.admin.integrations.rows import rows_of


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
