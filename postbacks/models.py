"""What operators set up, what it promised, and what was tried: postback, delivery, attempt."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, InAppEvent, Partner
from postbacks import delivery_states
from postbacks.replay.models import Replay, ReplayItem
from postbacks.retention.models import KeptBack, Pruned
from postbacks.rollups.models import Rollup, Tally

__all__ = [
    "Attempt",
    "Delivery",
    "KeptBack",
    "Lane",
    "Postback",
    "Pruned",
    "Pulse",
    "Replay",
    "ReplayItem",
    "Rollup",
    "Tally",
]

MAX_DELAY_SECONDS = 30 * 24 * 3600
MAX_REQUESTS_PER_SECOND = 10_000


class PostbackQuerySet(models.QuerySet["Postback"]):
    def existing(self) -> PostbackQuerySet:
        """Those that were not deleted. A deleted postback's row stays, for its deliveries' sake."""
        return self.filter(deleted_at__isnull=True)


class Postback(models.Model):
    """When to call whom, and how. It belongs to one partner or to one network (media source)."""

    class EventTrigger(models.TextChoices):
        ALWAYS = "always", "Always"
        NEW = "new", "New actions only"
        CHANGES = "changes", "Changes only"

    class Scope(models.TextChoices):
        ALL = "all", "Every action of the event type"
        INVOLVED = "involved", "Only actions this network took part in"

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"

    class BodyFormat(models.TextChoices):
        JSON = "json", "JSON"
        XML = "xml", "XML"
        QUERYSTRING = "querystring", "QueryString"

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="postbacks", null=True, blank=True)
    media_source = models.ForeignKey(
        MediaSource,
        on_delete=models.PROTECT,
        related_name="postbacks",
        null=True,
        blank=True,
        verbose_name="network",
    )
    name = models.CharField(max_length=200)
    action_tracker = models.ForeignKey(
        ActionTracker, on_delete=models.PROTECT, related_name="postbacks", verbose_name="event type"
    )
    event_trigger = models.CharField(max_length=10, choices=EventTrigger, default=EventTrigger.ALWAYS)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    install = models.BooleanField(default=False, help_text="Mobile apps: fire on installs.")
    in_app_event = models.ForeignKey(
        InAppEvent,
        on_delete=models.PROTECT,
        related_name="postbacks",
        null=True,
        blank=True,
        verbose_name="in-app event",
    )
    url = models.TextField("URL")
    method = models.CharField("HTTP method", max_length=4, choices=Method, default=Method.GET)
    body_format = models.CharField(max_length=11, choices=BodyFormat, blank=True)
    body_pairs = models.JSONField(
        default=list, blank=True, help_text="Ordered [key, template] pairs; empty where a raw body is given."
    )
    body_raw = models.TextField(blank=True)
    headers = models.TextField("HTTP Header", blank=True, help_text="One “Name: value” a line.")
    # [name, token] pairs; what is in the tokens only `postbacks.secrets` knows.
    secret_headers = models.JSONField(default=list, blank=True)
    minimum_delay_seconds = models.PositiveIntegerField(
        "Minimum Delay", default=0, validators=[MaxValueValidator(MAX_DELAY_SECONDS)]
    )
    maximum_requests = models.PositiveIntegerField(
        "Maximum Requests",
        null=True,
        blank=True,
        help_text="Per second; empty means no limit.",
        validators=[MinValueValidator(1), MaxValueValidator(MAX_REQUESTS_PER_SECOND)],
    )
    success_response = models.TextField("Success Response", blank=True)
    error_response = models.TextField("Error Response", blank=True)

    # Tokens as well. While an overlap lasts, requests are signed with both keys.
    signing_key = models.TextField(blank=True, editable=False)
    signing_key_made_at = models.DateTimeField(null=True, blank=True, editable=False)
    previous_signing_key = models.TextField(blank=True, editable=False)
    previous_signing_key_until = models.DateTimeField(null=True, blank=True, editable=False)

    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    pause_reason = models.TextField(blank=True, editable=False, help_text="Where it was not an operator.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # For people: what is written without it, workers notice as well, by the version of the row.
    updated_at = models.DateTimeField(auto_now=True)

    objects = PostbackQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(partner__isnull=False, media_source__isnull=True)
                | Q(partner__isnull=True, media_source__isnull=False),
                name="postback_has_one_owner",
                violation_error_message="A postback belongs to either a partner or a network.",
            ),
            models.CheckConstraint(
                condition=Q(scope="all") | Q(media_source__isnull=False),
                name="postback_scope_is_for_networks",
                violation_error_message="Only a network's postback can be limited to actions it took part in.",
            ),
            models.CheckConstraint(
                condition=~Q(method="GET") | Q(body_format="", body_raw="", body_pairs=[]),
                name="postback_get_has_no_body",
                violation_error_message="A GET request has no body.",
            ),
            models.CheckConstraint(
                condition=~Q(method="POST") | ~Q(body_format=""),
                name="postback_post_has_a_body_format",
                violation_error_message="A POST needs a body format.",
            ),
            models.CheckConstraint(
                condition=Q(minimum_delay_seconds__lte=MAX_DELAY_SECONDS),
                name="postback_delay_in_range",
                violation_error_message="The Minimum Delay is at most 30 days.",
            ),
            models.CheckConstraint(
                condition=Q(maximum_requests__isnull=True)
                | Q(maximum_requests__gte=1, maximum_requests__lte=MAX_REQUESTS_PER_SECOND),
                name="postback_maximum_requests_in_range",
                violation_error_message="Maximum Requests is a whole number from 1 to 10,000 a second.",
            ),
            models.UniqueConstraint(
                fields=["partner", "name"],
                condition=Q(deleted_at__isnull=True, partner__isnull=False),
                name="postback_name_once_per_partner",
                violation_error_message="The partner has a postback of this name.",
            ),
            models.UniqueConstraint(
                fields=["media_source", "name"],
                condition=Q(deleted_at__isnull=True, media_source__isnull=False),
                name="postback_name_once_per_network",
                violation_error_message="The network has a postback of this name.",
            ),
        ]
        indexes = [
            # Matching: the postbacks that an event of an event type may fire.
            models.Index(fields=["action_tracker"], condition=Q(deleted_at__isnull=True), name="postback_by_tracker"),
        ]

    def __str__(self) -> str:
        return f"{self.owner.name}: {self.name}"

    @property
    def owner(self) -> Partner | MediaSource:
        owner = self.partner or self.media_source
        if owner is None:
            raise ValueError("The postback has no owner yet.")
        return owner

    @property
    def signed(self) -> bool:
        """Whether its requests are signed. Set to true, it gets a key if it has none; to false, it loses its keys."""
        return bool(self.signing_key)

    @signed.setter
    def signed(self, wanted: bool) -> None:
        from postbacks.signing.keys import make_key, remove_keys  # noqa: PLC0415 -- they read this model

        if wanted and not self.signed:
            make_key(self)
        elif not wanted:
            remove_keys(self)

    def clean(self) -> None:
        """Checks templates, rules, contract and the fields that exclude each other; errors are per field."""
        from postbacks.validation import postback_errors  # noqa: PLC0415 -- validation reads this model

        errors = postback_errors(self)
        if errors:
            raise ValidationError(dict[str, Any](errors))


class Lane(models.Model):
    """The health of one postback's destination, written only when it changes: a healthy one may have no row.

    While `held_since` is set, the destination counts as down: from `probe_at` on one delivery goes out as a probe, the
    others wait. `notice` is what operators have not been told yet, at most once an hour.
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


class Delivery(models.Model):
    """One postback for one action event: the promise to call.

    Of one action's deliveries by one postback only the first unfinished is READY or SENDING; those behind it are
    BLOCKED. Finished states are final: whoever resends makes a new row.
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
        """Which goes first when a lane has more than it can send; the lower ones keep a share."""

        LIVE = 0, "First try"
        RETRY = 1, "Retry"
        REPLAY = 2, "Replay"

    # Every index of this table is written again at each change of state, so it has no more than are read. A postback is
    # never removed; the action is that of the event, which guards it, kept here for the chains.
    postback = models.ForeignKey(Postback, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    replay = models.ForeignKey(
        Replay, on_delete=models.PROTECT, related_name="deliveries", db_index=False, null=True, blank=True
    )
    known_as = models.BigIntegerField(
        null=True, blank=True, help_text="Replayed as sent: the id of the delivery that the receiver knows."
    )
    parameters = models.JSONField(
        null=True, blank=True, help_text="Replayed with present values: instead of the event's."
    )
    event = models.ForeignKey(ActionEvent, on_delete=models.PROTECT, related_name="deliveries")
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
    owner = models.IntegerField(null=True, blank=True, help_text="The worker process that is sending it.")
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="When another worker may take it, should its owner have stalled."
    )

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        indexes = [
            # The claim: what a lane has due, by priority, oldest first. Holds unfinished rows only, so history costs
            # nothing.
            models.Index(
                fields=["postback", "priority", "due_at", "id"], condition=Q(state="ready"), name="delivery_ready"
            ),
            # Promotion and insertion: what of a (postback, action) chain is unfinished, in order.
            models.Index(
                fields=["postback", "action", "event", "id"],
                condition=Q(state__in=delivery_states.UNFINISHED),
                name="delivery_chain",
            ),
            # The log (`postbacks.log.find`): what is finished, of one state and postback, newest first. A row enters it
            # once, when it is finished.
            models.Index(
                fields=["state", "postback", "id"],
                condition=Q(state__in=delivery_states.FINISHED),
                name="delivery_log",
            ),
            # How far a replay has come, and what it has waiting; of few deliveries.
            models.Index(fields=["replay", "state"], condition=Q(replay__isnull=False), name="delivery_replay"),
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


class Attempt(models.Model):
    """One HTTP request made for a delivery, as it was sent and as it was answered."""

    # The unique constraint's index serves for the deliveries too.
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False)
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

    class Meta:
        ordering = ("delivery", "number")
        constraints = [
            # Makes recording the same attempt twice harmless; also read by the delivery's page.
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once_per_delivery"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of delivery {self.delivery_id}"


class Pulse(models.Model):
    """When one of the things that keep everything going last did its work: see `postbacks.engine.pulse`."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "pulses"

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
