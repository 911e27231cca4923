"""The admin of Engage: programs, partners and contracts. Event types are in `actions.admin`."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from partners.admin_kit import DeletedOnlyUnused, InlineFormSet, LargeTable, ModelAdmin, TabularInline, may_see_personal
from partners.models import (
    ActionTracker,
    AttributionRule,
    CategoryPayout,
    Contract,
    ContractTerm,
    ExchangeRate,
    InAppEvent,
    Partner,
    Program,
)


class ActionTrackerInline(TabularInline):
    model = ActionTracker
    fields = ("name", "code", "kind", "active", "dedup_window_days", "net_lines")
    extra = 0
    can_delete = False  # On its own page, where what needs it is looked up without reading it.
    show_change_link = True


@admin.register(Program)
class ProgramAdmin(DeletedOnlyUnused):
    list_display = ("name", "id", "currency")
    search_fields = ("=id", "name")
    inlines = (ActionTrackerInline,)


@admin.register(InAppEvent)
class InAppEventAdmin(DeletedOnlyUnused):
    list_display = ("code", "action_tracker")
    list_select_related = ("action_tracker",)
    search_fields = ("code", "action_tracker__name")
    autocomplete_fields = ("action_tracker",)


class ContractInline(TabularInline):
    model = Contract
    fields = ("program", "start", "end")
    autocomplete_fields = ("program",)
    extra = 0
    can_delete = False  # As event types.
    show_change_link = True


@admin.register(Partner)
class PartnerAdmin(DeletedOnlyUnused):
    list_display = ("name", "id", "currency", "active")
    list_filter = ("active", "currency")
    search_fields = ("=id", "name")
    inlines = (ContractInline,)


class ContractTermFormSet(InlineFormSet):
    """Terms are checked against the program that is chosen on the same page, also before the contract is saved."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            tracker = getattr(form, "cleaned_data", {}).get("action_tracker")
            if tracker is not None and tracker.program_id != self.instance.program_id and not form.errors:
                form.add_error(
                    "action_tracker",
                    ValidationError("This event type belongs to another program than the contract."),
                )


class ContractTermInline(TabularInline):
    model = ContractTerm
    formset = ContractTermFormSet
    extra = 0
    can_delete = False  # As event types.
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContractTerm]:
        rows: QuerySet[ContractTerm] = super().get_queryset(request)
        return rows.select_related("action_tracker", "contract")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The choices of all rows are read once, not once for each row; the narrow cell is theirs alone."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "action_tracker":
            field.widget = getattr(field.widget, "widget", field.widget)  # Without the menu of related rows.
            field.choices = [("", "---------"), *event_type_choices()]
        return field


def event_type_choices() -> list[tuple[str, list[tuple[int, str]]]]:
    """All event types under the names of their programs."""
    rows = ActionTracker.objects.select_related("program").order_by("program__name", "program", "name", "id")
    return [
        (str(program), [(tracker.pk, str(tracker)) for tracker in trackers])
        for program, trackers in groupby(rows, key=attrgetter("program"))
    ]


@admin.register(Contract)
class ContractAdmin(DeletedOnlyUnused):
    list_display = ("partner", "program", "start", "end")
    list_display_links = ("partner", "start")
    list_select_related = ("partner", "program")
    list_filter = ("start", "end")
    search_fields = ("partner__name", "program__name", "=partner__id", "=program__id")
    autocomplete_fields = ("partner", "program")
    inlines = (ContractTermInline,)


class CategoryPayoutInline(TabularInline):
    model = CategoryPayout
    extra = 0


@admin.register(ContractTerm)
class ContractTermAdmin(DeletedOnlyUnused):
    list_display = (
        "action_tracker",
        "contract",
        "start",
        "end",
        "payout_display",
        "monthly_action_limit",
        "monthly_payout_limit",
    )
    list_select_related = ("action_tracker", "contract__partner", "contract__program")
    list_filter = ("payout_type",)
    search_fields = ("action_tracker__name", "contract__partner__name")
    autocomplete_fields = ("contract", "action_tracker")
    inlines = (CategoryPayoutInline,)
    fieldsets = (
        (None, {"fields": (("contract", "action_tracker"), ("payout_type", "payout"))}),
        (
            "Schedule",
            {
                "fields": (("start", "end"),),
                "description": "A scheduled term takes the place of the usual one on its days, with all that it says.",
            },
        ),
        ("Limits", {"fields": (("monthly_action_limit", "monthly_payout_limit"),)}),
        ("Life of an action", {"fields": (("lock_after_days", "clear_after_days"),)}),
    )


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ModelAdmin):
    list_display = ("from_currency", "to_currency", "date", "rate")
    list_display_links = ("from_currency", "date")
    list_filter = ("from_currency", "to_currency")
    date_hierarchy = "date"
    fieldsets = (
        (
            None,
            {
                "fields": (("from_currency", "to_currency"), "rate", "date"),
                "description": "From this date on, one unit of the first currency is worth so many units of the "
                "second, until a later rate. The other direction needs no rate of its own: the inverse serves.",
            },
        ),
    )


@admin.register(AttributionRule)
class AttributionRuleAdmin(LargeTable):
    list_display = ("key", "value", "partner", "program", "start", "end")
    list_display_links = ("value",)
    list_select_related = ("partner", "program")
    list_filter = ("key",)
    search_fields = ("value",)
    search_help_text = "The whole value, such as a promo code or a click id."
    autocomplete_fields = ("partner", "program")
    fieldsets = (
        (
            None,
            {
                "fields": (("key", "value"), ("partner", "program"), ("start", "end")),
                "description": "An action that is reported with this value, and without a partner, is credited to the "
                "partner, if the rule holds for its program on its event date. Recorded actions stay as they are.",
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttributionRule]:
        """Of customers and their devices only for whom personal data is."""
        rows: QuerySet[AttributionRule] = super().get_queryset(request)
        return rows if may_see_personal(request) else rows.exclude(key__in=AttributionRule.PERSONAL)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AttributionRule], search_term: str
    ) -> tuple[QuerySet[AttributionRule], bool]:
        """Exact, so that the index serves; promo codes are kept in capitals."""
        term = search_term.strip()
        return (
            queryset.filter(key__in=AttributionRule.Key.values, value__in={term, term.upper()}) if term else queryset
        ), False
