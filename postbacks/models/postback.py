"""What operators set up: which events to send where, and how."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.dispatch import Signal

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, InAppEvent, Partner
from postbacks.models.secret_headers import SecretHeadersField

MAX_DELAY_SECONDS = 30 * 24 * 3600
MAX_REQUESTS_PER_SECOND = 10_000

# `Postback.clean` sends this with the `postback`. The checks of templates, rules and contracts depend on this model,
# not the other way round: they receive this signal and raise a ValidationError (`postbacks.validation`).
postback_cleaned = Signal()


class PostbackQuerySet(models.QuerySet["Postback"]):
    def existing(self) -> PostbackQuerySet:
        """Those that are not deleted. The row of a deleted postback stays, because deliveries refer to it."""
        return self.filter(deleted_at__isnull=True)


class Postback(models.Model):
    """Which events to send where, and how. It belongs to one partner or to one network (media source)."""

    class EventTrigger(models.TextChoices):
        ALWAYS = "always", "Always"
        NEW = "new", "New actions only"
        CHANGES = "changes", "Changes only"

    class Scope(models.TextChoices):
        ALL = "all", "Every action of the event type"
        INVOLVED = "involved", "Only actions this network took part in"

    class ConditionsMatch(models.TextChoices):
        ALL = "all", "All conditions hold"
        ANY = "any", "Any of the conditions holds"

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"

    class BodyFormat(models.TextChoices):
        JSON = "json", "JSON"
        XML = "xml", "XML"
        QUERYSTRING = "querystring", "QueryString"

    class Authentication(models.TextChoices):
        NONE = "none", "None, or by headers"
        BASIC = "basic", "HTTP Basic"
        OAUTH2 = "oauth2", "OAuth 2.0 client credentials"

    class ClientAuth(models.TextChoices):
        HEADER = "header", "In the header (HTTP Basic)"
        BODY = "body", "In the body"

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
    # Read by `postbacks.conditions`. The database's defaults are for the previous release, which does not know them.
    conditions_match = models.CharField(
        "Fires if", max_length=3, choices=ConditionsMatch, default=ConditionsMatch.ALL, db_default=ConditionsMatch.ALL
    )
    conditions = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text="What the values of an event must be; empty: anything.",
    )
    url = models.TextField("URL")
    method = models.CharField("HTTP method", max_length=4, choices=Method, default=Method.GET)
    body_format = models.CharField(max_length=11, choices=BodyFormat, blank=True)
    body_pairs = models.JSONField(
        default=list, blank=True, help_text="Ordered [key, template] pairs; empty where a raw body is given."
    )
    body_raw = models.TextField(blank=True)
    headers = models.TextField("HTTP Header", blank=True, help_text="One “Name: value” a line.")
    # [name, token] pairs; only `postbacks.credentials.secrets` can read the tokens.
    secret_headers = SecretHeadersField(default=list, blank=True)
    # How the receiver wants to be asked, read by `postbacks.credentials.asking`; the password, the client secret and
    # the key are tokens. The previous release does not know these fields, hence the database's defaults, and sends
    # nothing for a postback that uses them (`SecretHeadersField`).
    authentication = models.CharField(
        max_length=6, choices=Authentication, default=Authentication.NONE, db_default=Authentication.NONE
    )
    basic_user = models.TextField("User", blank=True, default="", db_default="")
    basic_password = models.TextField("Password", blank=True, default="", db_default="")
    oauth_token_url = models.TextField("Token URL", blank=True, default="", db_default="")
    oauth_client_id = models.TextField("Client id", blank=True, default="", db_default="")
    oauth_client_secret = models.TextField("Client secret", blank=True, default="", db_default="")
    oauth_client_auth = models.CharField(
        "Client id and secret",
        max_length=6,
        choices=ClientAuth,
        default=ClientAuth.HEADER,
        db_default=ClientAuth.HEADER,
    )
    oauth_scope = models.TextField("Scope", blank=True, default="", db_default="")
    oauth_audience = models.TextField("Audience", blank=True, default="", db_default="")
    oauth_parameters = models.TextField("More parameters", blank=True, default="", db_default="")
    client_certificate = models.TextField("Client certificate", blank=True, default="", db_default="")
    client_key = models.TextField("Its private key", blank=True, default="", db_default="")
    trusted_authorities = models.TextField("Trusted authorities", blank=True, default="", db_default="")
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
    send_trace = models.BooleanField(
        "Send trace context",
        default=False,
        db_default=False,
        help_text="Requests that belong to a trace carry the header traceparent, for receivers that trace too.",
    )
    success_response = models.TextField("Success Response", blank=True)
    error_response = models.TextField("Error Response", blank=True)

    # The keys are tokens too. During an overlap, requests are signed with both keys.
    signing_key = models.TextField(blank=True, editable=False)
    signing_key_made_at = models.DateTimeField(null=True, blank=True, editable=False)
    previous_signing_key = models.TextField(blank=True, editable=False)
    previous_signing_key_until = models.DateTimeField(null=True, blank=True, editable=False)

    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    pause_reason = models.TextField(blank=True, editable=False, help_text="Where it was not an operator.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # For users only: workers notice every change, with or without it, by the version of the row.
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
        """Whether its requests are signed."""
        return bool(self.signing_key)

    def clean(self) -> None:
        """Checks templates, rules, contract and fields that exclude each other. Raises ValidationError by field."""
        postback_cleaned.send(Postback, postback=self)
