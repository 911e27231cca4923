"""The three headers of a signed request, by the Standard Webhooks specification: HMAC-SHA256, version `v1`. Pure."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final, NamedTuple

from value_types.secret_text import SecretText

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32  # The specification asks for 24 to 64.
ID, TIMESTAMP, SIGNATURE = HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class SigningKey(NamedTuple):
    """A key as its text, and the Unix time from which it signs no more; None: until it is replaced."""

    text: SecretText
    until: float | None = None


class Signer:
    """Signs with every key that still counts, the newest first: a receiver needs only one of them to be right."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self._keys = [(b64decode(key.text.removeprefix(PREFIX)), key.until) for key in keys]

    def sign(self, message_id: str, body: bytes, now: float | None = None) -> dict[str, str]:
        """The headers for these bytes, sent at this Unix time; a request without a body has none of them."""
        at = time.time() if now is None else now
        timestamp = str(int(at))
        content = f"{message_id}.{timestamp}.".encode() + body
        signatures = [
            f"v1,{b64encode(hmac.digest(key, content, 'sha256')).decode()}"
            for key, until in self._keys
            if until is None or at < until
        ]
        return {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def new_key() -> SecretText:
    """A random key, as receivers are given it."""
    return SecretText(PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode())
