"""The admin of event types and of what was converted.

Event types are registered here and not with their model, because the parameters that one may hide are known here.
"""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from actions.api import admin as api_admin  # noqa: F401 -- registers what it holds
from actions.manual_entry.pages import ManualEntry
from actions.models import Action, ActionEvent, Item
from actions.reports.parameters import PARAMETERS
from actions.reports.personal import without_personal
from partners.admin_kit import DeletedOnlyUnused, LargeTable, ModelForm, ShownOnly, TabularInline, may_see_personal
from partners.ids import read_id, row_of
from partners.models import ActionTracker, InAppEvent, Partner

_ORDER_ACTIONS = 1_000  # Actions that are searched for one order id; a real one has a handful.


class ActionTrackerForm(ModelForm):
    hidden_parameters = forms.MultipleChoiceField(
        choices=[(name, name) for name in PARAMETERS],
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text=str(ActionTracker._meta.get_field("hidden_parameters").help_text),  # noqa: SLF001 -- Django's documented interface
    )


class InAppEventInline(TabularInline):
    model = InAppEvent
    extra = 0
    can_delete = False  # On its own page, where what needs it is looked up without reading it.
    show_change_link = True


@admin.register(ActionTracker)
class ActionTrackerAdmin(DeletedOnlyUnused):
    form = ActionTrackerForm
    list_display = ("name", "id", "code", "program", "kind", "active", "dedup_window_days")
    list_select_related = ("program",)
    list_filter = ("active", "kind")
    search_fields = ("=id", "name", "=code", "program__name")
    autocomplete_fields = ("program",)
    inlines = (InAppEventInline,)


class ItemInline(ShownOnly, TabularInline):
    model = Item
    fields = ("position", "sku", "name", "category", "quantity", "sub_total", "amount", "discount", "order_share")


class ActionEventInline(ShownOnly, TabularInline):
    model = ActionEvent
    fields = ("number", "kind", "recorded_at")
    ordering = ("number",)
    show_change_link = True


class OfPartner(admin.SimpleListFilter):
    """The actions of the partner that the address names, as a partner's page does: `?of_partner=7`."""

    title = "partner"
    parameter_name = "of_partner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The partner that is asked for: hundreds would not fit."""
        found = row_of(Partner.objects.all(), request.GET.get(self.parameter_name, ""))
        return [(str(found.pk), found.name)] if found is not None else []

    def has_output(self) -> bool:
        return True  # Also without a choice: the list must know what it is asked.

    def queryset(self, request: HttpRequest, queryset: QuerySet[Action]) -> QuerySet[Action]:
        if self.value() is None:
            return queryset
        key = read_id(str(self.value()))
        return queryset.none() if key is None else queryset.filter(partner=key)


@admin.register(Action)
class ActionAdmin(ManualEntry, ShownOnly, LargeTable):
    list_display = (
        "action_id",
        "action_tracker",
        "partner",
        "order_id",
        "status",
        "amount",
        "payout",
        "event_date",
    )
    list_select_related = ("action_tracker", "partner")
    list_filter = ("status", OfPartner)
    search_fields = ("order_id",)
    search_help_text = "An action id, such as 1000.2001.158133, or an order id."
    exclude = ("reported",)
    inlines = (ItemInline, ActionEventInline)

    def get_readonly_fields(self, request: HttpRequest, obj: Action | None = None) -> tuple[str, ...]:
        return ("reported_values" if may_see_personal(request) else "known_values",)

    @admin.display(description="Reported")
    def reported_values(self, action: Action) -> SafeString:
        return as_json(action.reported)

    @admin.display(description="Reported")
    def known_values(self, action: Action) -> SafeString:
        return as_json(without_personal(action.reported))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Action], search_term: str
    ) -> tuple[QuerySet[Action], bool]:
        term = search_term.strip()
        return (queryset.filter(id__in=find_actions(term)) if term else queryset), False


@admin.register(ActionEvent)
class ActionEventAdmin(ShownOnly, LargeTable):
    list_display = ("id", "action", "number", "kind", "recorded_at")
    list_select_related = ("action",)
    list_filter = ("kind",)
    search_fields = ("action__order_id",)
    search_help_text = ActionAdmin.search_help_text
    readonly_fields = ("values", "known_values")

    def get_fields(self, request: HttpRequest, obj: ActionEvent | None = None) -> tuple[str, ...]:
        return ("action", "number", "kind", "recorded_at", "values" if may_see_personal(request) else "known_values")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ActionEvent], search_term: str
    ) -> tuple[QuerySet[ActionEvent], bool]:
        term = search_term.strip()
        return (queryset.filter(action_id__in=find_actions(term)) if term else queryset), False

    @admin.display(description="Parameters")
    def values(self, event: ActionEvent) -> SafeString:
        return as_json(event.parameters)

    @admin.display(description="Parameters")
    def known_values(self, event: ActionEvent) -> SafeString:
        return as_json(without_personal(event.parameters))


def as_json(values: Mapping[str, Any]) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(values, indent=2, ensure_ascii=False))


def find_actions(term: str) -> list[int]:
    """Keys of the actions that a search names by action id, or by order id; exact, so that indexes serve."""
    key = read_id(term.rpartition(".")[2])
    wanted = Q(order_id=term)
    if key is not None:
        wanted |= Q(pk=key)
    found = Action.objects.filter(wanted).order_by("-id")[:_ORDER_ACTIONS]
    return [action.pk for action in found.only("pk", "program", "action_tracker", "order_id") if _meant(action, term)]


def _meant(action: Action, term: str) -> bool:
    return term in (action.order_id, str(action.pk), action.action_id)
