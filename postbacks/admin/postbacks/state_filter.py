"""The filter of the list of postbacks."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from postbacks.admin.integrations.failing import failing_now
from postbacks.models import Postback


class StateFilter(admin.SimpleListFilter):
    """Failing, active, held, paused or deleted; by default all but deleted ones."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failing", "Failing"),
            ("active", "Active"),
            ("held", "Held"),
            ("paused", "Paused"),
            ("deleted", "Deleted"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Postback]) -> QuerySet[Postback]:
        if self.value() == "deleted":
            return queryset.filter(deleted_at__isnull=False)
        existing = queryset.filter(deleted_at__isnull=True)
        if self.value() == "failing":
            return existing.filter(pk__in=failing_now(request))
        if self.value() == "held":
            return existing.filter(lane__held_since__isnull=False)
        if self.value() in ("active", "paused"):
            return existing.filter(paused_at__isnull=self.value() == "active")
        return existing
