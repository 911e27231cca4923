"""The admin of Engage: programs, partners and contracts. Event types are in `actions.admin`."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from partners.admin_kit import DeletedOnlyUnused, LargeTable, ModelAdmin, ShownOnly, TabularInline, may_see_personal
from partners.ids import read_id, row_of
from partners.models import (
    ActionTracker,
    AttributionRule,
    CategoryPayout,
    Contract,
    ContractTerm,
    ExchangeRate,
    HeldRate,
    InAppEvent,
    Partner,
    Program,
)
from partners.published_rates.taking import accept, decline
from partners.term_forms import ContractForm, ContractTermFormSet, EventTypeSelect, NewPartnerForm


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
    """The days of its contracts. A new one has terms, so it has a page of its own."""

    model = Contract
    fields = ("program", "start", "end")
    autocomplete_fields = ("program",)
    extra = 0
    can_delete = False  # As event types.
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Partner)
class PartnerAdmin(DeletedOnlyUnused):
    list_display: Any = ("name", "id", "currency", "active")
    list_filter: ClassVar[Any] = ("active", "currency")
    search_fields = ("=id", "name")
    inlines = (ContractInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Partner | None = None) -> Any:
        """A new partner is added with its first contract and term, by users who may add those."""
        own = (None, {"fields": (("name", "currency"), "active")})
        if obj is not None or not self._adds_contract(request):
            return [own]
        term = ("event_type", ("payout_type", "payout"), "without_terms")
        return [
            own,
            ("Contract", {"fields": (("program", "start"),)}),
            ("Term", {"fields": term, "description": "What the contract pays first; more terms are on its page."}),
        ]

    def get_form(self, request: HttpRequest, obj: Partner | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None and self._adds_contract(request):
            kwargs["form"] = NewPartnerForm
        return super().get_form(request, obj, change, **kwargs)

    def _adds_contract(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["partners.add_contract", "partners.add_contractterm"])

    def get_inlines(self, request: HttpRequest, obj: Partner | None) -> Any:
        return self.inlines if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"start": timezone.localdate(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(form, NewPartnerForm):
            form.save_contract()


class ContractTermInline(TabularInline):
    model = ContractTerm
    formset = ContractTermFormSet
    can_delete = False  # As event types.
    show_change_link = True

    def get_extra(self, request: HttpRequest, obj: Contract | None = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0  # A contract begins with a term.

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContractTerm]:
        rows: QuerySet[ContractTerm] = super().get_queryset(request)
        return rows.select_related("action_tracker", "contract")

    def get_formset(self, request: HttpRequest, obj: Contract | None = None, **kwargs: Any) -> Any:
        """The choices of all rows are read once, not once for each row. What is sent again with an error keeps its
        choice, whatever the program."""
        formset: Any = super().get_formset(request, obj, **kwargs)
        field = formset.form.base_fields.get("action_tracker")
        if field is not None:
            known = obj.program_id if obj is not None else read_id(request.GET.get("program", ""))
            field.widget = widget = EventTypeSelect()  # Without the menu of related rows: the narrow cell is its alone.
            field.choices = widget.offer(None if request.method == "POST" else known)
        return formset


@admin.register(Contract)
class ContractAdmin(DeletedOnlyUnused):
    form = ContractForm
    list_display: Any = ("partner", "program", "start", "end")
    list_display_links: Any = ("partner", "start")
    list_select_related = ("partner", "program")
    list_filter: ClassVar[Any] = ("start", "end")
    search_fields = ("partner__name", "program__name", "=partner__id", "=program__id")
    autocomplete_fields = ("partner", "program")
    inlines = (ContractTermInline,)

    def get_fields(self, request: HttpRequest, obj: Contract | None = None) -> Any:
        """Only a contract without terms asks whether it is meant to be."""
        own = (("partner", "program"), ("start", "end"))
        may_type = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return (*own, "without_terms") if may_type and (obj is None or not obj.terms.exists()) else own

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"start": timezone.localdate(), **super().get_changeform_initial_data(request)}


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

    def get_form(
        self, request: HttpRequest, obj: ContractTerm | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Where the contract is known, only the event types of its program are offered."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        contract = obj.contract if obj is not None else row_of(Contract.objects.all(), request.GET.get("contract", ""))
        field = form.base_fields.get("action_tracker")
        if contract is not None and field is not None:
            field.widget = widget = EventTypeSelect()
            field.choices = widget.offer(contract.program_id)
        return form

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
    list_display = ("from_currency", "to_currency", "date", "rate", "source", "kept")
    list_display_links = ("from_currency", "date")
    list_filter = ("source", "kept", "from_currency", "to_currency")
    date_hierarchy = "date"
    fieldsets = (
        (
            None,
            {
                "fields": (("from_currency", "to_currency"), "rate", ("date", "kept")),
                "description": "From this date on, one unit of the first currency is worth so many units of the "
                "second, until a later rate. The other direction needs no rate of its own: the inverse serves.",
            },
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: ExchangeRate | None = None) -> bool:
        """What was published stays as it was: a rate that is typed for the same day goes first."""
        published = obj is not None and obj.source != ExchangeRate.Source.HAND
        return not published and super().has_change_permission(request, obj)


@admin.register(HeldRate)
class HeldRateAdmin(ShownOnly, ModelAdmin):
    list_title = "Rates to accept"
    list_display = ("currency", "date", "published", "reason", "held_at")
    list_filter = ("currency",)
    actions = ("accept_rates", "decline_rates")

    def get_queryset(self, request: HttpRequest) -> QuerySet[HeldRate]:
        rows: QuerySet[HeldRate] = super().get_queryset(request)
        return rows.filter(declined_at=None)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Nobody edits them: to change them means to accept and to decline."""
        return bool(request.user.has_perm("partners.change_heldrate"))

    @admin.action(description="Accept", permissions=["decide"])
    def accept_rates(self, request: HttpRequest, rates: QuerySet[HeldRate]) -> None:
        # Later days last: what was held before an accepted one needs no answer any more.
        chosen = list(rates.order_by("date"))
        for held in chosen:
            if held.rate is None:
                messages.warning(request, f"{held}: {held.reason} Type a rate, or decline this one.")
            else:
                accept(held)
                messages.success(request, f"In force: {held}.")

    @admin.action(description="Decline", permissions=["decide"])
    def decline_rates(self, request: HttpRequest, rates: QuerySet[HeldRate]) -> None:
        for held in rates:
            decline(held)
            messages.success(request, f"Declined: {held}. The rate before stays in force.")


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
