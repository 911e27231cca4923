"""Changes of postbacks that partners ask for, and what operators decide."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portal.models.links import PartnerLink
from postbacks.models import Postback

MOST_OF_A_NOTE = 1000


class Proposal(models.Model):
    """What a partner asks to be changed in one of its postbacks, by the keys of a configuration file.

    `values` is what anybody may see; `secrets` has, by key, [name, token] pairs, in which an empty token stands for the
    value that the postback has when it is approved. Only one of a postback waits: a later one supersedes it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        SUPERSEDED = "superseded", "Superseded"

    postback = models.ForeignKey(Postback, on_delete=models.CASCADE, related_name="proposals")
    link = models.ForeignKey(PartnerLink, on_delete=models.PROTECT, related_name="proposals")
    by_api = models.BooleanField("by API", default=False, db_default=False)
    values = models.JSONField(default=dict)
    secrets = models.JSONField(default=dict)
    made_against = models.CharField(max_length=100, editable=False, help_text="What the postback was then.")
    note = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField("proposed", db_default=Now(), editable=False)
    decided_at = models.DateTimeField("decided", null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["postback"], condition=Q(state="waiting"), name="proposal_one_waits_per_postback"
            ),
        ]

    def __str__(self) -> str:
        return f"Proposal {self.pk}"

    @property
    def author(self) -> str:
        """Who made it, as histories name them."""
        return f"{self.link.author}{' by API' if self.by_api else ''}"
