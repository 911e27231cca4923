"""Who may call the API, for which programs, and to do what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

_SEALED: Final = "2:"  # No hexadecimal hash begins so.
_SEALED_BYTES: Final = 31  # As 62 digits, with the beginning, they fill the column.


def usual_scopes() -> list[str]:
    """What every token could do before there were scopes."""
    return ["report", "read", "personal"]


class ApiToken(models.Model):
    """A token of the account. Only its hash is kept, so that reading the table is not enough to use it."""

    class Scope(models.TextChoices):
        REPORT = "report", "Report conversions and changes"
        READ = "read", "Read"
        PERSONAL = "personal", "See personal data of customers"
        MANAGE = "manage", "Set up postbacks, resend and cancel deliveries"

    account_sid = models.CharField("account SID", max_length=40, editable=False)
    # The database's default is for the previous release, which knows one account.
    own_account = models.BooleanField(default=False, db_default=False, editable=False)
    name = models.CharField(max_length=100, help_text="Who uses it, such as “shop” or “data warehouse”.")
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    # The database's default is for the previous release, which makes tokens without knowing of scopes.
    scopes = ArrayField(
        models.CharField(max_length=10, choices=Scope),
        default=list,
        db_default=usual_scopes(),
    )
    program_ids = ArrayField(
        models.BigIntegerField(), null=True, blank=True, help_text="The programs that it is for; empty means all."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Hide a narrowed token from the previous release, whose processes would grant it everything."""
        if self.is_narrowed and not self.token_sha256.startswith(_SEALED):
            self.token_sha256 = sealed(self.token_sha256)
            update_fields = None if update_fields is None else {*update_fields, "token_sha256"}
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def author(self) -> str:
        """How histories name it."""
        return f"API token {self.name} ({self.pk})"

    @property
    def is_narrowed(self) -> bool:
        """Whether it may do less than every token could before there were scopes."""
        return self.program_ids is not None or not set(usual_scopes()) <= set(self.scopes)


def sealed(token_sha256: str) -> str:
    """What is kept instead of this hash where only processes that know scopes may find the token."""
    return _SEALED + hashlib.blake2s(token_sha256.encode(), digest_size=_SEALED_BYTES).hexdigest()
