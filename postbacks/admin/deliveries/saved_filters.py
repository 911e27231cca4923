"""Filters of the log that a user keeps under a name: saving and deleting them."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from postbacks.admin.deliveries.filters import FilterForm
from postbacks.admin.deliveries.views import LOG, BulkActionsAdmin, filters_of
from postbacks.models import SavedFilter

MOST_SAVED: Final = 30  # Of one user: a row of links that can still be read.


class SaveForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes it only for the type checker
    """The name under which the filters of the page are kept."""

    class Meta:
        model = SavedFilter
        fields = ("name",)
        widgets = {"name": forms.TextInput(attrs={"class": "pp-input", "placeholder": "Name of these filters"})}


class SavedFiltersAdmin(BulkActionsAdmin):
    """Saving needs no permission but that to see the log; everybody sees and deletes only their own."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("filters/save/", view(require_POST(self.save_filter)), name="postbacks_delivery_save_filter"),
            path(
                "filters/<int:pk>/delete/",
                view(require_POST(self.delete_filter)),
                name="postbacks_delivery_delete_filter",
            ),
        ]
        return own + super().get_urls()

    def saved_filters(self, request: HttpRequest) -> list[tuple[SavedFilter, bool]]:
        """Those of the user, and whether each is the one that the page shows."""
        shown = _known(request.GET)
        return [(each, each.query == shown) for each in SavedFilter.objects.filter(user=request.user.pk)]

    def save_filter(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        query, form = _known(request.GET), SaveForm(request.POST)
        mine = SavedFilter.objects.filter(user=request.user.pk)
        name = form.data.get("name", "").strip()
        if not form.is_valid():
            self.message_user(request, f"Name: {form.errors['name'][0]}", messages.ERROR)
        elif not query:
            self.message_user(request, "Set a filter first; there is none to save.", messages.WARNING)
        elif mine.count() >= MOST_SAVED and not mine.filter(name=name).exists():
            text = f"You have {MOST_SAVED} saved filters, which is the most. Delete one first."
            self.message_user(request, text, messages.WARNING)
        else:
            user: Any = request.user  # Signed in, as the admin has seen to.
            mine.update_or_create(user=user, name=name, defaults={"query": query})
            self.message_user(request, f"The filters are saved as “{name}”.", messages.SUCCESS)
        return redirect(f"{reverse(LOG)}?{filters_of(request.GET)}")

    def delete_filter(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        deleted, _ = SavedFilter.objects.filter(user=request.user.pk, pk=pk).delete()
        if deleted:
            self.message_user(request, "The saved filter is deleted. The log itself is unchanged.", messages.SUCCESS)
        return redirect(f"{reverse(LOG)}?{filters_of(request.GET)}")


def _known(query: QueryDict) -> str:
    """What of the query are filters, in one order: the same filters are the same text."""
    kept: Any = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        value = query.get(name, "").strip()
        if value:
            kept[name] = value
    return str(kept.urlencode())
