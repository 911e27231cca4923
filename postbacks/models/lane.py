"""The health of destinations."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from postbacks.models.postback import Postback


class Lane(models.Model):
    """The health of one postback's destination, written only when it changes: a healthy one may have no row.

    While `held_since` is set, the destination counts as down: from `probe_at` on, one delivery goes out as a probe, and
    the others wait. `notice` is what operators have not been told yet; they are told at most once an hour.
    """

    class Notice(models.TextChoices):
        NONE = "", "Nothing"
        HELD = "held", "Held"
        RELEASED = "released", "Released"
        PAUSED = "paused", "Paused"

    postback = models.OneToOneField(Postback, on_delete=models.CASCADE, primary_key=True, related_name="lane")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    failed_actions = ArrayField(models.BigIntegerField(), default=list, help_text="Different ones of that row.")
    gone_actions = ArrayField(models.BigIntegerField(), default=list, help_text="Different ones answered 410 in a row.")
    held_since = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    probe_wait_seconds = models.PositiveIntegerField(default=0)
    notice = models.CharField(max_length=8, choices=Notice, default=Notice.NONE, blank=True)
    noticed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(held_since__isnull=True, probe_at__isnull=True)
                | Q(held_since__isnull=False, probe_at__isnull=False),
                name="lane_held_has_a_probe",
            ),
        ]

    def __str__(self) -> str:
        return f"Lane of postback {self.postback_id}"
