"""The admin of Optimize: its networks."""

from django.contrib import admin

from optimize_sources.models import MediaSource
from partners.admin_kit import DeletedOnlyUnused


@admin.register(MediaSource)
class MediaSourceAdmin(DeletedOnlyUnused):
    list_display = ("name", "id", "type", "channel")
    list_filter = ("type", "channel")
    search_fields = ("=id", "name")
