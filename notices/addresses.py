"""The address of a channel: checked when it is typed, encrypted in the database, shown to nobody."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notices.models import Channel
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypted_anew
from postbacks.credentials.secrets.rotation import Rotated
from postbacks.egress.destination import destination_refusal
from value_types.secret_text import SecretText

MOST_CHARACTERS: Final = 4096
MOST_RECIPIENTS: Final = 50
_SECRETS: Final = ("address", "signing_key")


def check(kind: str, text: str) -> None:
    """Raises ValidationError, which never quotes the address: a webhook's is a secret."""
    if len(text) > MOST_CHARACTERS:
        raise ValidationError(f"The address is longer than {MOST_CHARACTERS:,} characters.")
    if kind == Channel.Kind.EMAIL:
        _check_recipients(text)
    else:
        _check_url(text)


def recipients(text: str) -> list[str]:
    """The e-mail addresses of a list with commas, semicolons or line ends between them."""
    for separator in ";\r\n":
        text = text.replace(separator, ",")
    return [each.strip() for each in text.split(",") if each.strip()]


def recipients_of(channel: Channel) -> list[str]:
    """Whom a channel of e-mail writes to. Raises SecretUnreadableError."""
    if channel.from_settings:
        return list(settings.POSTBACKS_NOTICE_EMAILS)
    return recipients(address_of(channel))


def address_of(channel: Channel) -> SecretText:
    """Raises SecretUnreadableError."""
    try:
        return decrypt(channel.address) if channel.address else SecretText("")
    except SecretUnreadableError as error:
        raise SecretUnreadableError(f"The address cannot be read. {error}") from error


def encrypt_anew(rotated: Rotated, **_signal: Any) -> None:
    """With the newest key, as the secrets of postbacks."""
    for channel in Channel.objects.order_by("pk"):
        for name in _SECRETS:
            token = getattr(channel, name)
            if not token:
                continue
            try:
                fresh = encrypted_anew(token)
            except SecretUnreadableError as error:
                rotated.unreadable.append(f"Channel {channel.name}: {error}")
                continue
            # Only what it was then: what a user types meanwhile stays.
            rotated.others += Channel.objects.filter(pk=channel.pk, **{name: token}).update(**{name: fresh})


def _check_recipients(text: str) -> None:
    found = recipients(text)
    if not found or len(found) > MOST_RECIPIENTS:
        raise ValidationError(f"Write 1 to {MOST_RECIPIENTS} e-mail addresses, with commas between them.")
    for number, each in enumerate(found, 1):
        try:
            validate_email(each)
        except ValidationError as error:
            raise ValidationError(f"Address {number} is not an e-mail address.") from error


def _check_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ValidationError("Write a URL that begins with https://, without blanks.")
    if (refused := destination_refusal(text)) is not None:
        raise ValidationError(f"This URL cannot be called: {refused.text}.")
