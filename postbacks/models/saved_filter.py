"""Filters of the delivery log that users keep."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SavedFilter(models.Model):
    """A filter of the delivery log under a name, for the user who saved it; `query` is what the URL carries."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.TextField()

    class Meta:
        app_label = "postbacks"
        default_permissions = ()  # Whoever sees the log may keep filters of it, and sees only their own.
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name_once_per_user")]

    def __str__(self) -> str:
        return self.name
