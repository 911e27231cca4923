"""What became of each request to the API."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from actions.models.tokens import ApiToken


class Submission(models.Model):
    """One request to the API, or one line of a batch or file that was refused or waits, and what became of it."""

    class Kind(models.TextChoices):
        CONVERSION = "conversion", "Conversion"
        CHANGE = "change", "Modification or restoration"
        REVERSAL = "reversal", "Reversal"
        BATCH = "batch", "Batch"
        FILE = "file", "Line of a file"  # One that came before its order; the others have no submission.

    class Result(models.TextChoices):
        RECORDED = "recorded", "Recorded"
        REPEATED = "repeated", "Repeated"
        REJECTED = "rejected", "Rejected"
        WAITING = "waiting", "Waits for its order"
        RUNNING = "running", "In progress"  # A batch of which not all lines are recorded yet.
        COMPLETE = "complete", "Complete"  # A batch; its counts tell the rest.

    token = models.ForeignKey(
        ApiToken, on_delete=models.PROTECT, related_name="+", db_index=False, null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=Kind)
    result = models.CharField(max_length=8, choices=Result)
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(db_default=Now())
    reason_code = models.CharField(max_length=50, blank=True)
    message = models.TextField(blank=True)
    notes = models.JSONField(default=list, blank=True, help_text="What was not used, or not known, in the report.")
    # Only while it is refused or waits: what was recorded is with the action.
    fields = models.JSONField(default=dict, blank=True, help_text="What was reported, to be processed again.")
    action = models.ForeignKey(
        "actions.Action",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        # Removing an old action would look through all submissions for its id.
        db_constraint=False,
    )
    # Of what was recorded, the action's; null where an earlier release has taken the report.
    order_id = models.CharField(  # noqa: DJ001 -- null is not known
        max_length=255, null=True, blank=True, default="", help_text="As reported, refused or not."
    )
    batch = models.ForeignKey(
        "self", on_delete=models.CASCADE, related_name="lines", null=True, blank=True, db_index=False
    )
    line = models.PositiveIntegerField(null=True, blank=True, help_text="In the batch, from 1.")
    recorded = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "API submission"
        ordering = ("-id",)
        indexes = [
            # The admin's list of what was refused, and processing it again; few rows.
            models.Index(fields=["id"], name="submission_rejected", condition=Q(result="rejected")),
            # Finding what became of the reports of an order.
            models.Index(fields=["order_id", "id"], name="submission_order_id", condition=Q(order_id__gt="")),
            # Removing a batch, with its lines; few rows.
            models.Index(fields=["batch"], name="submission_of_batch", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """As it stands in `QueuedUri`."""
        return f"A-{self.pk}"


class IdempotencyKey(models.Model):
    """A batch that may be sent again: the same key and the same body are recorded once."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    submission = models.OneToOneField(Submission, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_once_per_token")]

    def __str__(self) -> str:
        return self.key


class BatchPart(models.Model):
    """The results of some lines of a batch with a key, written in the transaction that records them."""

    key = models.ForeignKey(IdempotencyKey, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField(help_text="From 0, in the order of the lines.")
    results = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "number"], name="batch_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.key}"
