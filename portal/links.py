"""Making, finding and revoking links. A link's text is shown once, when it is made: only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from portal.models import PartnerLink
from value_types.secret_text import SecretText

SECRET: Final = "link"  # noqa: S105 -- a name
"""The name of the secret in the query of the address that opens a link."""
_BYTES: Final = 32  # 256 bits: nobody guesses one, however long they try.


def make(link: PartnerLink, *, password: str = "") -> SecretText:
    """Saves a new link and returns its secret: this is the only time that it can be shown. With a password, whoever
    opens the link is asked for it."""
    secret = new_secret()
    link.secret_sha256 = hashed(secret)
    link.password = make_password(password) if password else ""
    link.save()
    return secret


def address_of(secret: str, root: str) -> SecretText:
    """The address that opens a link, on the pages that are at `root`, such as `https://postbacks.example`."""
    return SecretText(f"{root.rstrip('/')}{reverse('portal:open')}?{urlencode({SECRET: secret})}")


def find(secret: str) -> PartnerLink | None:
    """The link of this secret, if it is in force."""
    links = PartnerLink.objects.select_related("partner", "media_source")
    return links.filter(in_force(), secret_sha256=hashed(secret)).first()


def revoke(link: PartnerLink) -> None:
    """From now on nobody can open it, and nobody who has opened it sees anything more."""
    if link.revoked_at is None:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        link.sessions.all().delete()


def in_force(prefix: str = "") -> Q:
    """The condition for links, or for rows that refer to them by the `prefix`: neither revoked nor at their end."""
    return Q(**{f"{prefix}revoked_at__isnull": True, f"{prefix}ends_at__gt": Now()})


def new_secret() -> SecretText:
    """A random text for a link or a session."""
    return SecretText(secrets.token_urlsafe(_BYTES))


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
