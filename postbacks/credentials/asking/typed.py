"""Secrets as operators type them: the mask stands for the one that is kept, if it goes to whom it was given for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from postbacks.credentials.asking import basic, oauth
from postbacks.credentials.asking.fields import BOUND_TO
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from postbacks.credentials.secrets.headers import receiver_of
from value_types.secret_text import MASK, SecretText

CALLED: Final = {
    "basic_password": "password",
    "oauth_client_secret": "client secret",
    "client_key": "key",
}
_SHORTEST_TOKEN: Final = 100  # Of a single character.
_PLACES: Final = {"url": "The URL names another receiver", "oauth_token_url": "The token URL names another server"}


def typed_secret(name: str, text: str) -> SecretText | None:
    """What stands in the field of a secret: None for the mask, which leaves it as it is, and empty for none.

    Raises ValueError, without a word of it, where it cannot be sent.
    """
    called = CALLED[name]
    # A key is a text of several lines; what stands around it in a file does not belong to it.
    given = f"{text.strip()}\n" if name == "client_key" and text.strip() else text
    if text.strip() == MASK:
        return None
    if MASK in given:
        raise ValueError(f"The {called} holds the mask. Type all of it, or leave the mask alone.")
    problem = {"basic_password": basic.password_problem, "oauth_client_secret": oauth.secret_problem}.get(name)
    if problem is not None and (wrong := problem(given)):
        raise ValueError(wrong)
    return SecretText(given)


def is_token(text: str) -> bool:
    """Whether this is a secret as it is stored, by its form (Fernet's)."""
    return text.startswith("gAAAA") and len(text) >= _SHORTEST_TOKEN


def to_store(name: str, typed: SecretText | None, now: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The text to store for a secret field. `before` holds what is stored, `now` what will be: the field itself, and
    the URLs that it is bound to.

    Raises ValueError where it was left masked and cannot be kept.
    """
    token, called = before.get(name) or "", CALLED[name]
    if typed is None:
        if not token:
            raise ValueError(f"No {called} is kept. Type it.")
        moved = moved_from(name, now, before)
        if moved:
            raise ValueError(f"{_PLACES[moved]}, and the {called} was given for the one before. Type it again.")
        return token
    if not typed:
        return ""
    return token if token and _is(token, typed) else encrypt(typed)


def moved_from(name: str, now: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The field of the URL that names another scheme, host or port than the one that a kept secret was given for; empty
    where none does."""
    return next(
        (url for url in BOUND_TO[name] if receiver_of(now.get(url, "")) != receiver_of(before.get(url, ""))), ""
    )


def _is(token: str, value: str) -> bool:
    """Whether a token holds this value already. Then it stays, so that loading the same file twice changes nothing."""
    try:
        return decrypt(token) == value
    except SecretUnreadableError:
        return False
