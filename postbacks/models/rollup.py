"""The rows of the roll-ups."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Tally(models.Model):
    """What one transaction has recorded, until it is folded: {postback id: {counter: how many}}."""

    at = models.DateTimeField(db_default=Now())
    # Not jsonb: it is written once and read once.
    counts = models.TextField()

    class Meta:
        app_label = "postbacks"
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"Tally {self.pk}"


class Rollup(models.Model):
    """What was recorded of one postback within one period. `postback_key` 0 means all postbacks together.

    `attempts` are requests that were made, `succeeded` of them judged a success; `delivered`, `failed` and `cancelled`
    are deliveries that ended so. `details` has the rest, by counter: see `postbacks.metrics.counters`.
    """

    class Period(models.TextChoices):
        MINUTE = "minute", "Minute"
        HOUR = "hour", "Hour"
        EVER = "ever", "Since the beginning"

    period = models.CharField(max_length=6, choices=Period)
    at = models.DateTimeField(help_text="When the period begins, UTC.")
    # No foreign key: 0 is no postback, and a check for each row of each fold would prove nothing.
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
            # The fold; and one postback's, or all together, over a time.
            models.UniqueConstraint(fields=["period", "postback_key", "at"], name="rollup_once_per_period"),
        ]
        indexes = [
            # All postbacks over a time, and what is old enough to go.
            models.Index(fields=["period", "at"], name="rollup_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.at:%Y-%m-%d %H:%M} of postback {self.postback_key}"
