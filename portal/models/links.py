"""Who may look through the window, for how long, and to do what."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from optimize_sources.models import MediaSource
from partners.models import Partner


class PartnerLink(models.Model):
    """A link that an operator gives to one partner or one network. Only the hash of its secret is kept."""

    class Right(models.TextChoices):
        TEST = "test", "Send tests"
        RESEND = "resend", "Send deliveries again"
        PAUSE = "pause", "Pause and resume its postbacks"
        PROPOSE = "propose", "Propose another URL, headers and secrets"
        ROTATE = "rotate", "Renew its signing key"

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="portal_links", null=True, blank=True)
    media_source = models.ForeignKey(
        MediaSource,
        on_delete=models.PROTECT,
        related_name="portal_links",
        null=True,
        blank=True,
        verbose_name="network",
    )
    name = models.CharField(max_length=100, help_text="Who gets it, such as “engineer at Acme”.")
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    rights = ArrayField(models.CharField(max_length=10, choices=Right), default=list, blank=True)
    personal_data = models.BooleanField("show personal data", default=False)
    ends_at = models.DateTimeField("ends")
    password = models.CharField(max_length=128, blank=True, editable=False, help_text="Hashed.")
    email = models.EmailField("e-mail for codes", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    opened_at = models.DateTimeField("last opened", null=True, blank=True, editable=False)
    # Of the token by which programs do the same; there may be none.
    api_token_sha256 = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001 -- unique
    api_token_made_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "partner link"
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(partner__isnull=False, media_source__isnull=True)
                | Q(partner__isnull=True, media_source__isnull=False),
                name="partner_link_has_one_owner",
                violation_error_message="A link is for either a partner or a network.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def owner(self) -> Partner | MediaSource:
        """Whose postbacks it shows."""
        owner = self.partner or self.media_source
        if owner is None:
            raise ValueError("The link has no owner yet.")
        return owner

    @property
    def author(self) -> str:
        """How histories name it."""
        return f"link {self.name} ({self.pk}) of {self.owner.name}"
