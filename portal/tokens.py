"""The token of a link, by which programs do what the link allows. Shown once; only its hash is kept."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from portal.links import hashed, in_force, new_secret
from portal.models import PartnerLink
from value_types.secret_text import SecretText

PREFIX: Final = "pl_"
"""By which people, and scanners of code, see what it is. No token of the account is taken for one, nor the reverse."""
_FIELDS: Final = ["api_token_sha256", "api_token_made_at"]


def make_token(link: PartnerLink) -> SecretText:
    """A new token in place of the one before. It ends with the link."""
    token = SecretText(f"{PREFIX}{new_secret()}")
    link.api_token_sha256, link.api_token_made_at = hashed(token), timezone.now()
    link.save(update_fields=_FIELDS)
    return token


def take_token(link: PartnerLink) -> None:
    """From now on no program gets in by the link; people do."""
    link.api_token_sha256, link.api_token_made_at = None, None
    link.save(update_fields=_FIELDS)


def link_of_token(text: str) -> PartnerLink | None:
    """The link of this token, if it is in force."""
    if not text.startswith(PREFIX):
        return None
    links = PartnerLink.objects.select_related("partner", "media_source")
    return links.filter(in_force(), api_token_sha256=hashed(text)).first()
