"""Changes that came before their orders."""

from __future__ import annotations

from django.db import models

from actions.models.actions import ActionEvent
from actions.models.submissions import Submission
from partners.models import ActionTracker


class EarlyChange(models.Model):
    """A change that waits for its order; what it says is with its submission.

    The row goes in the transaction that takes the change or gives it up. Constraints would lock the tables that it
    refers to, and stop an earlier release from pruning submissions.
    """

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, related_name="early_change", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=ActionEvent.Kind)
    action_tracker = models.ForeignKey(
        ActionTracker,
        on_delete=models.PROTECT,
        related_name="early_changes",
        verbose_name="event type",
        db_constraint=False,
        db_index=False,  # The index of its orders begins with it.
    )
    order_id = models.CharField(max_length=255)
    waits_until = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        indexes = [
            # The changes that wait for an order, in the order in which they came.
            models.Index(fields=["action_tracker", "order_id", "id"], name="early_change_order"),
            # Those that have waited long enough.
            models.Index(fields=["waits_until"], name="early_change_waits_until"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of the order {self.order_id}"
