"""Forms of the admin that undo nothing: what was saved since the form was opened is shown, and a form saves once."""

# Django names the arguments of what it calls back, used or not.

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from auditlog.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from partners.opened_with import FIELD, FORM_ID, SAVE_OVER, Conflict, Opened, opened, read_opened, rows_behind

if TYPE_CHECKING:  # Django's class takes type parameters only for the type checker.
    from django.contrib import admin

    _ModelAdmin = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as _ModelAdmin

_CONFLICT: Final = "form_guard_conflict"  # An attribute of the request.
_SAME_FORM = timedelta(days=1)  # Nobody sends the same form again later than this.
_LONGEST_ID = 64


class _Refused:
    """Mixed into a form whose rows have changed: it is shown again as it was typed, and not saved."""

    def is_valid(self) -> bool:
        super().is_valid()  # type: ignore[misc]  # of the form
        return False


class GuardedForms(_ModelAdmin):
    """For every admin page with a form. Templates show `conflict` and carry the hidden fields."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():  # The locks hold until what was compared is saved.
            if object_id is None:
                saved = self._saved_by_same_form(request)
                if saved is not None:
                    return saved
            else:
                setattr(request, _CONFLICT, self._conflict(request, unquote(object_id)))
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        if change and getattr(request, _CONFLICT, None) is not None:
            return type(form.__name__, (_Refused, form), {"__module__": __name__})
        return form

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        if add:
            context["form_id"] = _form_id(request) or secrets.token_urlsafe(16)
        elif row is not None and self.has_change_permission(request, row):
            context["opened_with"] = _posted(request) or self._opened(request, row, context)
            context["conflict"] = getattr(request, _CONFLICT, None)
        return super().render_change_form(request, context, add, change, *args, **kwargs)

    def _conflict(self, request: HttpRequest, object_id: str) -> Conflict | None:
        """Locks the rows of the form. Returns what they have become, if the form does not know it and would undo it.

        A form that does not say what it was opened with was opened by a program, and is taken at its word.
        """
        known = read_opened(_posted(request))
        row = self.get_object(request, object_id)
        if known is None or row is None or not self.has_change_permission(request, row):
            return None
        _lock(row)
        row = self.get_object(request, object_id)
        if row is None:
            return None
        for formset, _inline in self.get_formsets_with_inlines(request, row):
            list(formset(instance=row).get_queryset().select_for_update(no_key=True, of=("self",)).order_by("pk"))
        now = self._opened(request, row)
        if now.same(known):
            return None
        form, formsets = self._forms(request, row, typed=True)
        if not any(each.has_changed() for each in (form, *formsets)):
            return None  # The same was saved twice.
        return Conflict(rows_behind(row, formsets), known.known, now)

    def _opened(self, request: HttpRequest, row: Any, shown: Any = None) -> Opened:
        """What a form that is opened now shows of the row; `shown` is the context of the page, if there is one."""
        if shown is not None and request.method != "POST":
            form, formsets = shown["adminform"].form, [each.formset for each in shown["inline_admin_formsets"]]
        else:
            row = self.get_object(request, str(row.pk))  # Of the other, the form has taken over what was typed.
            form, formsets = self._forms(request, row, typed=False)
        return opened(form, formsets, rows_behind(row, formsets))

    def _forms(self, request: HttpRequest, row: Any, *, typed: bool) -> tuple[Any, list[Any]]:
        """The form of the row with the formsets of its tables: as submitted, or as they show what is saved."""
        given = (request.POST, request.FILES) if typed else ()
        form = self.get_form(request, row, change=True)(*given, instance=row)
        formsets = []
        prefixes: dict[str, int] = {}
        for formset, inline in self.get_formsets_with_inlines(request, row):
            prefix = formset.get_default_prefix()
            prefixes[prefix] = prefixes.get(prefix, 0) + 1
            name = prefix if prefixes[prefix] == 1 else f"{prefix}-{prefixes[prefix]}"  # As Django names them.
            queryset = inline.get_queryset(request)
            formsets.append(formset(*given, instance=row, prefix=name, queryset=queryset))
        return form, formsets

    def _saved_by_same_form(self, request: HttpRequest) -> HttpResponse | None:
        """The answer for a form that has already added its row: Save was clicked twice."""
        form_id = _form_id(request)
        user: Any = request.user
        if not form_id or not self.has_add_permission(request):
            return None
        _lock(User(pk=user.pk))  # So that the second waits for the first.
        setattr(request, FORM_ID, form_id)  # The history keeps it.
        entry = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(self.model),
            action=LogEntry.Action.CREATE,
            actor=user.pk,
            timestamp__gte=timezone.now() - _SAME_FORM,
            additional_data__form=form_id,
        ).first()
        row = self.get_object(request, entry.object_pk) if entry is not None else None
        return self.response_add(request, row) if row is not None else None


def _posted(request: HttpRequest) -> str:
    return request.POST.get(SAVE_OVER) or request.POST.get(FIELD, "")


def _form_id(request: HttpRequest) -> str:
    return request.POST.get(FORM_ID, "")[:_LONGEST_ID]


def _lock(row: Model) -> None:
    """Until the end of the transaction; rows may still be added that refer to it."""
    list(type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).values_list("pk"))  # noqa: SLF001 -- Django's documented interface
