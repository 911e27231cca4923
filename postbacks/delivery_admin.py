"""The admin of deliveries: what was promised, and each attempt with what was sent and what came back. For reading."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from actions.admin import ActionEventAdmin, find_actions
from actions.models import ActionEvent
from partners.admin_kit import LargeTable, ShownOnly, StackedInline, TabularInline
from postbacks.models import Attempt, Delivery


class AttemptInline(ShownOnly, StackedInline):
    model = Attempt
    fields = (
        ("number", "succeeded", "status", "duration_ms", "started_at"),
        "reason",
        "method",
        "url",
        "request_headers",
        "request_body",
        "response_headers",
        "response_body",
    )


@admin.register(Delivery)
class DeliveryAdmin(ShownOnly, LargeTable):
    list_display = ("id", "state", "postback", "event", "due_at", "attempts_made", "finished_at", "reason")
    list_select_related = ("postback__partner", "postback__media_source", "event")
    list_filter = ("state",)
    search_fields = ("action__order_id",)
    search_help_text = "A delivery's id, an action id such as 1000.2001.158133, or an order id."
    fields = (
        ("state", "reason"),
        "postback",
        ("event", "action"),
        "replay",
        ("due_at", "attempts_made"),
        ("created_at", "finished_at"),
        ("owner", "lease_until"),
    )
    inlines = (AttemptInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        # By events, because deliveries have no index by action.
        events = ActionEvent.objects.filter(action_id__in=find_actions(term)).order_by().values_list("pk", flat=True)
        wanted = Q(event_id__in=list(events))
        if term.isascii() and term.isdigit() and len(term) < 19:
            wanted |= Q(pk=int(term))
        return queryset.filter(wanted), False


class DeliveryInline(ShownOnly, TabularInline):
    """The deliveries of one action event."""

    model = Delivery
    fields = ("postback", "state", "attempts_made", "due_at", "finished_at", "reason")
    show_change_link = True
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).select_related("postback__partner", "postback__media_source")


# Actions know nothing of postbacks; here both are known.
ActionEventAdmin.inlines = (*ActionEventAdmin.inlines, DeliveryInline)
