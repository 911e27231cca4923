"""What happened to actions: every event of their lives."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from actions.models.action import Action


class ActionEvent(models.Model):
    """One moment in an action's life, kept as it was then.

    `parameters` is the frozen snapshot: parameter name to rendered value, absent ones left out, and `items`,
    a list of objects with the item attributes. The ids of one action's events rise in the order of recording.
    """

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        MODIFIED = "modified", "Modified"
        REVERSED = "reversed", "Reversed"
        RESTORED = "restored", "Restored"
        LOCKED = "locked", "Locked"
        CLEARED = "cleared", "Cleared"

    # Events whose date no contract fixes. Only these fire postbacks.
    NON_STANDARD = (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED)

    # The number's constraint begins with it, so it needs no index of its own.
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="events", db_index=False)
    number = models.PositiveIntegerField(help_text="From 1, within the action.")
    kind = models.CharField(max_length=10, choices=Kind)
    recorded_at = models.DateTimeField(db_default=Now())
    parameters = models.JSONField()

    class Meta:
        verbose_name = "action event"
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="event_number_once_per_action")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, event {self.number} of action {self.action_id}"
