"""Who is looking through the window now, and how often somebody has tried to."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from portal.models.links import PartnerLink


class PortalSession(models.Model):
    """A browser for which a link was opened. It shows nothing until it is proven: by the password or the code that the
    link asks for, or at once where it asks for neither. Only hashes are kept of what the browser and the mail hold."""

    link = models.ForeignKey(PartnerLink, on_delete=models.CASCADE, related_name="sessions")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True)
    code_hash = models.CharField(max_length=64, blank=True)
    code_until = models.DateTimeField(null=True)
    code_tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = "portal session"
        indexes = [models.Index(fields=["ends_at"], name="portal_session_ended")]

    def __str__(self) -> str:
        return f"Session {self.pk} of {self.link}"


class Tries(models.Model):
    """How often something was tried since a moment: a link, a password, a code, a test. `key` says what, and by whom
    or of what."""

    key = models.CharField(max_length=100, primary_key=True)
    since = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "tries"
        indexes = [models.Index(fields=["since"], name="portal_tries_since")]

    def __str__(self) -> str:
        return f"{self.count} of {self.key}"
