"""The access tokens of postbacks that ask their receivers with OAuth 2.0."""

from __future__ import annotations

from django.db import models

from postbacks.models.postback import Postback


class AccessToken(models.Model):
    """What the token server of one postback has given last, or why it gave nothing: shared by all workers, and written
    only by `postbacks.delivery.access_tokens`.

    It is worth something for `client` only, the fingerprint of the client that it was fetched for. One that a receiver
    has `rejected` is not sent again. `renewed` says that it took the place of a rejected one, `proved` that a receiver
    has taken it since.
    """

    postback = models.OneToOneField(Postback, on_delete=models.CASCADE, primary_key=True, related_name="access_token")
    client = models.CharField(max_length=64)
    token = models.TextField(default="", db_default="", help_text="Encrypted; empty where there is none.")
    generation = models.PositiveBigIntegerField(default=0, db_default=0)
    fetched_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    rejected = models.BooleanField(default=False, db_default=False)
    renewed = models.BooleanField(default=False, db_default=False)
    proved = models.BooleanField(default=False, db_default=False)
    busy_until = models.DateTimeField(null=True, help_text="A worker is fetching one.")
    failures = models.PositiveIntegerField(default=0, db_default=0, help_text="In a row.")
    failure = models.TextField(default="", db_default="", help_text="Why the last fetch gave none.")
    retry_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Access token of postback {self.postback_id}"
