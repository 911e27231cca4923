"""What is to be sent, and what was tried: delivery and attempt."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now

from actions.models import Action, ActionEvent
from postbacks import delivery_states
from postbacks.models.postback import Postback
from postbacks.models.replay import Replay

# One of 32 groups of `known_by`, by its first five bits. SQL that wants the index says the same.
KNOWN_BY_GROUP: Any = Func(
    Func("known_by", function="uuid_send"), Value(0), function="get_byte", output_field=models.IntegerField()
).bitrightshift(3)


class Delivery(models.Model):
    """One action event for one postback, to be sent until it is delivered, failed or cancelled.

    Of the deliveries of one action by one postback, only the first unfinished one is READY or SENDING; those behind it
    are BLOCKED. Finished states are final: sending again makes a new row.
    """

    class State(models.TextChoices):
        BLOCKED = "blocked", "Waits for an earlier event"
        READY = "ready", "Waiting"
        SENDING = "sending", "Sending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    WAITING = delivery_states.WAITING
    UNFINISHED = delivery_states.UNFINISHED
    FINISHED = delivery_states.FINISHED

    class Priority(models.IntegerChoices):
        """What goes first if a lane has more than it can send; the lower classes keep a share."""

        LIVE = 0, "First try"
        RETRY = 1, "Retry"
        REPLAY = 2, "Replay"

    # Each change of state writes every index of this table again, so it has only those that are read. Postbacks are
    # never removed. The action is that of the event; it is repeated here for the chains. Event and action have no
    # foreign keys in the database: whoever makes a delivery has made the event or holds its action locked, and a
    # trigger keeps events that have deliveries.
    postback = models.ForeignKey(Postback, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    replay = models.ForeignKey(
        Replay, on_delete=models.PROTECT, related_name="deliveries", db_index=False, null=True, blank=True
    )
    known_as = models.BigIntegerField(
        null=True, blank=True, help_text="Replayed as sent: the id of the delivery that the receiver knows."
    )
    known_by = models.UUIDField(
        null=True, blank=True, help_text="The derived id by which the receiver knows the delivery."
    )
    parameters = models.JSONField(
        null=True, blank=True, help_text="Replayed with present values: instead of the event's."
    )
    event = models.ForeignKey(ActionEvent, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False)
    action = models.ForeignKey(
        Action, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    state = models.CharField(max_length=9, choices=State, default=State.READY)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.LIVE, db_default=Priority.LIVE)
    due_at = models.DateTimeField(help_text="Not before this; of a failed one, when it is tried again.")
    attempts_made = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="What came of the latest attempt, or why there is none.")
    unsent_why = models.CharField(  # noqa: DJ001 -- rows that this says nothing of are not written again
        max_length=20, null=True, blank=True, help_text="The code of the reason, where it failed without an attempt."
    )
    owner = models.IntegerField(null=True, blank=True, help_text="The worker process that is sending it.")
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="When another worker may take it, should its owner have stalled."
    )

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        indexes = [
            # The claim: what a lane has due, by priority, oldest first. It holds only ready rows, so history costs
            # nothing.
            models.Index(
                fields=["postback", "priority", "due_at", "id"], condition=Q(state="ready"), name="delivery_ready"
            ),
            # Promotion and insertion: the unfinished deliveries of a (postback, action) chain, in order.
            models.Index(
                fields=["postback", "action", "event", "id"],
                condition=Q(state__in=delivery_states.UNFINISHED),
                name="delivery_chain",
            ),
            # Whether a lane has chains in which something is blocked; few have.
            models.Index(fields=["postback", "action"], condition=Q(state="blocked"), name="delivery_blocked"),
            # The log (`postbacks.delivery_log.find`): finished deliveries of one state and postback, newest first.
            # A row enters it once, when it is finished.
            models.Index(
                fields=["state", "postback", "id"],
                condition=Q(state__in=delivery_states.FINISHED),
                name="delivery_log",
            ),
            # The log by when deliveries ended. A row enters it once too.
            models.Index(
                fields=["state", "postback", "finished_at", "id"],
                condition=Q(state__in=delivery_states.FINISHED),
                name="delivery_ended",
            ),
            # The few that failed without an attempt, by reason.
            models.Index(fields=["unsent_why", "id"], condition=Q(unsent_why__isnull=False), name="delivery_unsent"),
            # The progress of a replay, and what it has waiting; few deliveries belong to one.
            models.Index(fields=["replay", "state"], condition=Q(replay__isnull=False), name="delivery_replay"),
            # The log's search by the id that receivers know. A row enters it when its first attempt is recorded, which
            # for most is when it is finished. These ids are random: sorted by themselves, each row would go to a page
            # of its own, and finishing a delivery takes longer. In 32 groups, rows go to the ends of 32 runs.
            models.Index(
                KNOWN_BY_GROUP,
                "id",
                "known_by",
                condition=Q(known_by__isnull=False, attempts_made__gt=0),
                name="delivery_known_by",
            ),
            # The sweep: what dead or stalled workers hold.
            models.Index(fields=["owner", "lease_until"], condition=Q(state="sending"), name="delivery_leases"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="sending", owner__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(owner__isnull=True, lease_until__isnull=True)),
                name="delivery_leased_only_while_sending",
            ),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"

    @property
    def sent_as(self) -> str:
        """What `{DeliveryId}` is for it, as in `postbacks.delivery.known_ids`."""
        if self.known_by is not None and (self.attempts_made == 0 or self.known_as is not None):
            return str(self.known_by)
        return str(self.known_as or self.pk)


class Attempt(models.Model):
    """One HTTP request made for a delivery, as it was sent and as it was answered."""

    # The index of the unique constraint also finds the attempts of a delivery. No foreign key in the database: attempts
    # are dropped in partitions (`postbacks.partitions`), and who writes one holds its delivery (`delivery.result_sql`).
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False, db_constraint=False
    )
    number = models.PositiveSmallIntegerField(help_text="From 1, within the delivery.")
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    succeeded = models.BooleanField()
    reason = models.TextField(help_text="The verdict in one sentence.")
    method = models.CharField(max_length=4)
    url = models.TextField("URL")
    request_headers = models.TextField(blank=True)
    request_body = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty where no answer came.")
    response_headers = models.TextField(blank=True)
    response_body = models.TextField(blank=True)
    overlap_of = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="The number of the attempt that another process made meanwhile; this one does not count.",
    )

    # What the log finds attempts by, beside the status. Rows of before these columns are empty there.
    postback = models.ForeignKey(
        Postback,
        on_delete=models.DO_NOTHING,  # Postbacks are never removed.
        related_name="+",
        db_index=False,
        db_constraint=False,
        null=True,
        blank=True,
        help_text="That of the delivery.",
    )
    why = models.CharField(  # noqa: DJ001 -- as above
        max_length=20, null=True, blank=True, help_text="The code of the reason; blank for a success."
    )
    recorded_at = models.DateTimeField(
        null=True, blank=True, db_default=TransactionNow(), help_text="When its result was recorded."
    )

    class Meta:
        ordering = ("delivery", "number")
        indexes = [
            # The latest attempts of a postback: whether it is failing, and the log by attempts.
            models.Index(fields=["postback", "id"], name="attempt_latest"),
            # The log by reason and by status. Failures and statuses other than 200 are few.
            models.Index(fields=["postback", "id"], condition=Q(succeeded=False), name="attempt_failed"),
            models.Index(fields=["why", "id"], condition=Q(succeeded=False), name="attempt_why"),
            models.Index(
                fields=["status", "id"], condition=Q(status__lt=200) | Q(status__gt=200), name="attempt_status"
            ),
        ]
        constraints = [
            # Makes recording the same attempt twice harmless; the page of a delivery reads it too.
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once_per_delivery"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of delivery {self.delivery_id}"
