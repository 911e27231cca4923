"""Reports that have been answered and are not recorded yet."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from actions.models.submissions import Submission
from actions.models.tokens import ApiToken
from tracing.marks import LONGEST as LONGEST_MARK


class QueuedReport(models.Model):
    """One report to the API, kept from its answer until it is recorded; its id is that of its submission.

    The transaction that records it deletes it and writes the submission. Rows live for some milliseconds, so nothing
    else refers to them.
    """

    id = models.BigIntegerField(primary_key=True)
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10, choices=Submission.Kind)
    received_at = models.DateTimeField()
    queued_at = models.DateTimeField(db_default=Now())
    order_id = models.CharField(max_length=255, help_text="Of a change by ActionId, the action's.")
    fields = models.TextField(help_text="What was reported, as JSON.")
    trace = models.CharField(  # noqa: DJ001 -- empty but for what is traced
        max_length=LONGEST_MARK, null=True, blank=True, help_text="Where its trace goes on."
    )

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["order_id", "id"], name="queued_report_order")]

    def __str__(self) -> str:
        return f"A-{self.pk}"
