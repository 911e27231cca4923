"""Deliveries that are to be tried now, too many for one request of the admin."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class TryNow(models.Model):
    """Which deliveries, and how far the workers are with them (`postbacks.replay.try_many`)."""

    ids = ArrayField(models.BigIntegerField(), help_text="Of deliveries; none any more once all had their turn.")
    total = models.PositiveIntegerField()
    position = models.PositiveIntegerField(default=0, db_default=0, help_text="How many had their turn.")
    tried = models.PositiveIntegerField(default=0, db_default=0, help_text="How many of those were made due.")
    seen_attempt = models.BigIntegerField(help_text="The newest attempt when it was asked for.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        app_label = "postbacks"
        default_permissions = ()  # Its page asks for the permission to resend.
        ordering = ("-id",)
        indexes = [
            # What workers look for each second.
            models.Index(fields=["id"], condition=models.Q(ended_at=None), name="try_now_running"),
        ]

    def __str__(self) -> str:
        return f"Trying {self.total:,} deliveries"

    @property
    def percent(self) -> int:
        return 100 * self.position // self.total if self.total else 100

    @property
    def left_out(self) -> int:
        return self.position - self.tried
