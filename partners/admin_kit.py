"""What the admin pages of all apps share: deleting only what nothing needs, showing only, and large tables."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.functional import cached_property

from partners.references import what_refers_to

if TYPE_CHECKING:  # Django's classes take type parameters only for the type checker.
    from django.contrib import admin

    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    StackedInline = admin.StackedInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
    AnyPaginator = Paginator[Any]
else:
    from unfold import admin as unfold

    ModelAdmin = unfold.ModelAdmin
    TabularInline = unfold.TabularInline
    StackedInline = unfold.StackedInline
    ModelForm = forms.ModelForm
    InlineFormSet = BaseInlineFormSet
    AnyPaginator = Paginator

SEE_PERSONAL = "actions.view_personal_data"
COUNT_UP_TO = 10_000  # Pages beyond this nobody turns to, and counting millions of rows takes seconds.


def may_see_personal(request: HttpRequest) -> bool:
    """Whether the user is shown what tells who or where a customer is."""
    return request.user.has_perm(SEE_PERSONAL)


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
    sortable_by = ()
    list_per_page = 50
