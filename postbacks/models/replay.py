"""A replay, and the deliveries that it has still to make."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from actions.models import Action, ActionEvent


class Replay(models.Model):
    """Action events to be sent again: which ones, how, and the progress.

    `selection` is `postbacks.replay.selection.Selection` as JSON. While a process drives it, `driver` is its number and
    `driven_until` the time by which it must renew its claim.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"
        CANCELLED = "cancelled", "Cancelled"
        FINISHED = "finished", "All handed over"

    class Values(models.TextChoices):
        AS_SENT = "as-sent", "The event's values, as they were sent"
        CURRENT = "current", "The action's present values"

    selection = models.JSONField()
    described = models.TextField(help_text="The selection in words.")
    values = models.CharField(max_length=7, choices=Values, default=Values.AS_SENT)
    exact = models.BooleanField(default=False, help_text="Later events that were delivered do not go again.")
    rate = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Deliveries per second at most; empty means as fast as the postbacks allow.",
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
    )
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    planned = models.PositiveIntegerField(default=0, help_text="Deliveries that it is to make.")
    made = models.PositiveIntegerField(default=0, help_text="Deliveries that it has made.")
    next_due_at = models.DateTimeField(null=True, blank=True, help_text="With a rate: when the next one may go out.")
    driver = models.BigIntegerField(null=True, blank=True)
    driven_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        app_label = "postbacks"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Replay {self.pk}"


class ReplayItem(models.Model):
    """A delivery that a replay is still to make."""

    # Hundreds of thousands are written at once, so the database checks no foreign keys: replays, postbacks, and actions
    # and events with deliveries are never removed.
    replay = models.ForeignKey(
        Replay, on_delete=models.CASCADE, related_name="items", db_index=False, db_constraint=False
    )
    postback = models.ForeignKey(
        "postbacks.Postback", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    event = models.ForeignKey(
        ActionEvent, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    known_as = models.BigIntegerField(null=True, help_text="The delivery id by which the receiver knows the event.")

    class Meta:
        app_label = "postbacks"
        constraints = [
            # Each item once; also for the feed, which takes whole actions in order.
            models.UniqueConstraint(fields=["replay", "action", "postback", "event"], name="replay_item_once"),
        ]

    def __str__(self) -> str:
        return f"Item of replay {self.replay_id}"
