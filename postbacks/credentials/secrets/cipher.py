"""Encrypting for the database, with the keys of POSTBACKS_ENCRYPTION_KEYS: the newest encrypts, any decrypts."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from value_types.secret_text import SecretText

UNREADABLE = (
    "It was encrypted with a key that is not in POSTBACKS_ENCRYPTION_KEYS. Add that key behind the newest one and "
    "restart, or give the secret anew."
)


class SecretUnreadableError(ValueError):
    """No key at hand decrypts it; the text says what to do."""


def encrypt(text: str) -> str:
    """The token to store: ASCII, different each time."""
    return _cipher(tuple(settings.POSTBACKS_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> SecretText:
    """The text of a token. Raises SecretUnreadableError."""
    try:
        return SecretText(_cipher(tuple(settings.POSTBACKS_ENCRYPTION_KEYS)).decrypt(token.encode()).decode())
    except InvalidToken as error:
        raise SecretUnreadableError(UNREADABLE) from error


def encrypted_anew(token: str) -> str:
    """The same text under the newest key. Raises SecretUnreadableError."""
    return encrypt(decrypt(token))


@lru_cache(maxsize=4)  # One set of keys per process; tests have others.
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
