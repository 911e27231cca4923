"""The list of all changes, for administrators. The page of a row shows the changes of that row."""

from __future__ import annotations

from auditlog.models import LogEntry
from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.audit.words import changes_of, what_was_done, who_did
from partners.admin_kit import LargeTable, ShownOnly

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class ChangesAdmin(ShownOnly, LargeTable):
    list_display = ("timestamp", "by", "done", "kind", "object_repr")
    list_select_related = ("content_type", "actor")
    list_filter = (("content_type", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("object_repr",)
    search_help_text = "Part of the name of the changed object."
    ordering = ("-timestamp",)
    fields = ("timestamp", "by", "done", "kind", "object_repr", "changed")
    readonly_fields = fields

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
