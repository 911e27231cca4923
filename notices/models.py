"""Where operators are told, what they are to be told, and what they have been told."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

MOST_QUIET_HOURS = 24 * 90


class Channel(models.Model):
    """One place where operators are told. `program_ids` is null for all programs, also future ones.

    The fields from `digested_on` on are written by what sends, and have no history.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        WEBHOOK = "webhook", "Webhook"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=7, choices=Kind)
    address = models.TextField(blank=True, help_text="Encrypted.")
    signing_key = models.TextField(blank=True, editable=False, help_text="Encrypted; of a webhook.")
    from_settings = models.BooleanField(
        default=False, editable=False, help_text="Its addresses are those of POSTBACKS_NOTICE_EMAILS."
    )
    events = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    program_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    quiet_hours = models.PositiveSmallIntegerField(
        "hours without a conversion",
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_QUIET_HOURS)],
        help_text="After so many hours, “Nothing came in” is told for a program.",
    )
    digest_hour = models.PositiveSmallIntegerField(
        "daily digest",
        null=True,
        blank=True,
        choices=[(hour, f"at {hour:02}:00") for hour in range(24)],
    )
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    digested_on = models.DateField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_answer = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=["from_settings"], condition=Q(from_settings=True), name="channel_of_settings_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """What a channel is sent at once: notices of a minute, or a digest. It stays the same however often it is tried.

    `tries` also says who may write what came of a try: only the one that counted it.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages", db_index=False)
    key = models.UUIDField(default=uuid.uuid4, help_text="By which a webhook's receiver recognises a repetition.")
    content = models.JSONField()
    made_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    told = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["channel", "made_at"], name="message_of_channel")]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=Q(ended_at__isnull=True), name="message_one_waits_per_channel"
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.pk}"


class Notice(models.Model):
    """Something that one channel is told, once: `key` names what happened. `content` is a `notices.telling.Told`."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notices", db_index=False)
    event = models.CharField(max_length=20)
    key = models.CharField(max_length=100)
    at = models.DateTimeField(db_default=Now())
    content = models.JSONField()
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="notices")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="notice_once_per_channel")]
        indexes = [
            models.Index(fields=["channel", "id"], condition=Q(message__isnull=True), name="notice_untold"),
        ]

    def __str__(self) -> str:
        return f"Notice {self.pk}"


class Watch(models.Model):
    """What was found when it was last looked: so that a change is told, and not a state."""

    class Kind(models.TextChoices):
        HELD = "held", "A postback that was told to be held, since"
        FAILING = "failing", "A failing postback, since"
        CONVERSION = "conversion", "The latest conversion of a program, at"
        QUIET = "quiet", "A program that a channel was told to be quiet, since"
        LOOKED = "looked", "When conversions were last looked at"

    kind = models.CharField(max_length=10, choices=Kind)
    subject = models.BigIntegerField(default=0, help_text="The id of the postback or program.")
    channel_key = models.BigIntegerField(default=0, help_text="The id of the channel, where each has its own.")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "watches"
        constraints = [models.UniqueConstraint(fields=["kind", "subject", "channel_key"], name="watch_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
