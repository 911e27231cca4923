"""Tallies and roll-ups."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Tally(models.Model):
    """What one transaction recorded, until it is folded: {postback id: {counter: count}}."""

    at = models.DateTimeField(db_default=Now())
    # Not jsonb: it is written once and read once.
    counts = models.TextField()

    class Meta:
        app_label = "postbacks"
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"Tally {self.pk}"


class Rollup(models.Model):
    """What was recorded for one postback within one period. `postback_key` 0 means all postbacks together.

    `attempts` counts requests, `succeeded` those of them judged a success; `delivered`, `failed` and `cancelled` count
    deliveries that ended in that state. `details` has the rest, by counter: see `postbacks.metrics.counters`.
    """

    class Period(models.TextChoices):
        MINUTE = "minute", "Minute"
        HOUR = "hour", "Hour"
        EVER = "ever", "Since the beginning"

    period = models.CharField(max_length=6, choices=Period)
    at = models.DateTimeField(help_text="When the period begins, UTC.")
    # Not a foreign key: 0 is not a postback, and a check for each row of each fold would prove nothing.
    postback_key = models.BigIntegerField()
    attempts = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    details = models.JSONField(default=dict)

    class Meta:
        app_label = "postbacks"
        constraints = [
            # For the fold; and for one postback, or all together, over a time.
            models.UniqueConstraint(fields=["period", "postback_key", "at"], name="rollup_once_per_period"),
        ]
        indexes = [
            # For all postbacks over a time, and for pruning.
            models.Index(fields=["period", "at"], name="rollup_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.at:%Y-%m-%d %H:%M} of postback {self.postback_key}"
