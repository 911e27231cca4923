"""What the admin pages of all apps share: asking only what a page offers, deleting only what nothing needs, showing
only, and large tables."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.admin import ShowFacets, display
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.db.models import DateTimeField, Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from partners.form_guard import GuardedForms
from partners.ids import read_id
from partners.local_times import shown_with_zone
from partners.offered import MOST_SEARCHED, OfferedOnly, is_offered
from partners.permissions import SEE_PERSONAL
from partners.references import what_refers_to

if TYPE_CHECKING:  # Django's classes take type parameters only for the type checker.
    from django.contrib import admin

    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
    AnyPaginator = Paginator[Any]
else:
    from unfold import admin as unfold

    TabularInline = unfold.TabularInline
    StackedInline = unfold.StackedInline
    ModelForm = forms.ModelForm
    InlineFormSet = BaseInlineFormSet
    AnyPaginator = Paginator

COUNT_UP_TO = 10_000  # Pages beyond this nobody turns to, and counting millions of rows takes seconds.


def may_see_personal(request: HttpRequest) -> bool:
    """Whether the user is shown what tells who or where a customer is."""
    return request.user.has_perm(SEE_PERSONAL)


class ModelAdmin(GuardedForms):
    """The base of every page: it can be asked only what it offers (`partners.offered`), and its forms undo nothing.

    `list_title` is the title of its list; empty for the plural of the model's name.
    """

    list_title = ""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Times with the zone that they are in."""
        return [_with_zone(self.opts.label, each) for each in super().get_list_display(request)]

    def get_action_choices(self, request: HttpRequest, default_choices: Any = None) -> Any:
        return [("", "With those that are ticked…"), *super().get_action_choices(request)[1:]]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return request is not None and is_offered(self, lookup, request)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are known by their id alone; nobody finds one by another of its values in a pop-up's address."""
        return to_field in ("pk", self.opts.pk.name)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, object_id, from_field or None)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return OfferedOnly

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Finds nothing by a search that is too long for a name."""
        if len(search_term) > MOST_SEARCHED:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address fills in, without rows that it names by something that is no id."""
        given = super().get_changeform_initial_data(request)
        return {name: value for name, value in given.items() if not self._names_no_rows(name, value)}

    def _names_no_rows(self, name: str, value: Any) -> bool:
        related = {field.name for field in self.opts.get_fields() if field.is_relation}
        keys = value if isinstance(value, list) else [value]
        return name in related and any(read_id(str(key)) is None for key in keys)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Says so where Django has come back to the whole list, because a filter in the address had no such value."""
        if ERROR_FLAG in request.GET:
            messages.warning(request, "A filter in the address is not valid here: this is the whole list.")
        return super().changelist_view(request, extra_context)


@cache
def _with_zone(label: str, column: Any) -> Any:
    """The column; in place of the name of a time, what shows it with its zone."""
    try:
        field = apps.get_model(label)._meta.get_field(column) if isinstance(column, str) else None  # noqa: SLF001 -- Django's documented interface
    except FieldDoesNotExist:
        field = None
    if not isinstance(field, DateTimeField):
        return column

    @display(description=field.verbose_name, ordering=column)
    def moment(row: Model) -> Any:
        return shown_with_zone(getattr(row, column)) or "-"

    moment.__name__ = column  # The theme names the column's class by it.
    return moment


class DeletedOnlyUnused(ModelAdmin):
    """Refuses to delete what is referred to, without gathering the rows that refer to it: there may be millions."""

    def get_deleted_objects(self, objs: Iterable[Model], request: HttpRequest) -> Any:
        rows = list(objs)
        users = [f"{row}: used by {', '.join(found)}" for row in rows if (found := what_refers_to(row))]
        if users:
            return [str(row) for row in rows], {}, set(), users
        return super().get_deleted_objects(rows, request)


class ShownOnly:
    """For an admin page or an inline: nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class CappedPaginator(AnyPaginator):
    """Counts no further than `COUNT_UP_TO`."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            raise TypeError("Only a query set can be counted up to a bound.")
        return rows.order_by()[:COUNT_UP_TO].count()


class LargeTable(ModelAdmin):
    """A table of millions of rows: newest first only, counted only as far as anybody turns pages."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # Each would count the whole table.
    sortable_by = ()
    list_per_page = 50
