"""The signing keys of a postback: one that signs, and for the time of an overlap the one that it replaced.

Stored encrypted. `renewal` makes and replaces them.
"""

from __future__ import annotations

from django.utils import timezone

from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt
from postbacks.credentials.signing.signer import SigningKey
from postbacks.models import Postback

FIELDS = ("signing_key", "signing_key_made_at", "previous_signing_key", "previous_signing_key_until")


def keys_of(postback: Postback) -> tuple[SigningKey, ...]:
    """What its requests are signed with; empty where they are not. Raises SecretUnreadableError."""
    return read_keys(
        postback.signing_key,
        postback.previous_signing_key,
        postback.previous_signing_key_until.timestamp() if postback.previous_signing_key_until else None,
    )


def read_keys(key: str, previous: str, previous_until: float | None) -> tuple[SigningKey, ...]:
    """As `keys_of`, of what is stored; `previous_until` as a Unix time."""
    try:
        keys = [SigningKey(decrypt(key))] if key else []
        if previous and previous_until is not None:
            keys.append(SigningKey(decrypt(previous), previous_until))
    except SecretUnreadableError as error:
        raise SecretUnreadableError(f"The signing key cannot be read. {error}") from error
    return tuple(keys)


def overlaps(postback: Postback) -> bool:
    """Whether a key that was replaced signs as well at this moment."""
    until = postback.previous_signing_key_until
    return bool(postback.previous_signing_key) and until is not None and until > timezone.now()
