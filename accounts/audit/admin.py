"""The list of all changes, for administrators. The page of a row shows the changes of that row."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from accounts.audit.words import changes_of, what_was_done, who_did
from partners.admin_kit import LargeTable, ShownOnly
from partners.local_times import shown_with_zone

admin.site.unregister(LogEntry)


class KindFilter(admin.RelatedOnlyFieldListFilter):
    """The kinds of what was changed, without the names of apps."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ARG002 -- what Django passes
        used = model_admin.get_queryset(request).order_by().values_list("content_type", flat=True).distinct()
        kinds = [(str(kind.pk), capfirst(kind.name)) for kind in ContentType.objects.filter(pk__in=used)]
        return sorted(kinds, key=itemgetter(1))


@admin.register(LogEntry)
class ChangesAdmin(ShownOnly, LargeTable):
    list_title = "Changes"
    list_display = ("at", "by", "done", "kind", "what")
    list_select_related = ("content_type", "actor")
    list_filter = (("content_type", KindFilter),)
    search_fields = ("object_repr",)
    search_help_text = "Part of the name of the changed object."
    ordering = ("-timestamp",)
    fields = ("at", "by", "done", "kind", "what", "changed")
    readonly_fields = fields

    @admin.display(description="When")
    def at(self, entry: LogEntry) -> SafeString | str:
        return shown_with_zone(entry.timestamp)

    @admin.display(description="Of what")
    def what(self, entry: LogEntry) -> str:
        return str(entry.object_repr)

    @admin.display(description="By")
    def by(self, entry: LogEntry) -> str:
        return who_did(entry)

    @admin.display(description="What")
    def done(self, entry: LogEntry) -> str:
        return what_was_done(entry)

    @admin.display(description="Type")
    def kind(self, entry: LogEntry) -> str:
        return str(entry.content_type.name)

    @admin.display(description="Changes")
    def changed(self, entry: LogEntry) -> SafeString:
        rows = ((each.name, each.before or "empty", each.after or "empty") for each in changes_of(entry))
        return format_html("<pre>{}</pre>", format_html_join("\n", "{}: {} → {}", rows))
