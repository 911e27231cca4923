"""From the stored fields of a postback to how its receiver is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from postbacks.credentials.asking.certificates import Tls
from postbacks.credentials.asking.fields import BASIC, FIELDS, IN_BODY, OAUTH
from postbacks.credentials.asking.oauth import OAuthClient, read_parameters
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt
from value_types.secret_text import SecretText


class Asking(NamedTuple):
    """How a receiver wants to be asked; each part is None where it is as for every other. `basic` has the user and the
    password."""

    basic: tuple[str, SecretText] | None = None
    oauth: OAuthClient | None = None
    tls: Tls | None = None


AS_EVER = Asking()


def asking_of(stored: Mapping[str, Any]) -> Asking:
    """Of what is stored in FIELDS. Raises SecretUnreadableError."""
    kind = stored["authentication"]
    basic = oauth = tls = None
    if kind == BASIC:
        basic = (stored["basic_user"], _secret(stored, "basic_password", "password of HTTP Basic"))
    elif kind == OAUTH:
        oauth = OAuthClient(
            stored["oauth_token_url"],
            stored["oauth_client_id"],
            _secret(stored, "oauth_client_secret", "client secret of OAuth 2.0"),
            stored["oauth_client_auth"] == IN_BODY,
            stored["oauth_scope"],
            stored["oauth_audience"],
            _parameters(stored["oauth_parameters"]),
            stored["trusted_authorities"],
        )
    if stored["client_certificate"] or stored["trusted_authorities"]:
        key = _secret(stored, "client_key", "key of the client certificate")
        tls = Tls(stored["client_certificate"], key, stored["trusted_authorities"])
    return Asking(basic, oauth, tls)


def asking_of_postback(postback: object) -> Asking:
    """Of a postback, saved or not."""
    return asking_of({name: getattr(postback, name) for name in FIELDS})


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return read_parameters(text)
    except ValueError:  # It cannot be saved (`problems`).
        return ()


def _secret(stored: Mapping[str, Any], name: str, called: str) -> SecretText:
    if not stored[name]:
        return SecretText("")
    try:
        return decrypt(stored[name])
    except SecretUnreadableError as error:
        raise SecretUnreadableError(f"The {called} cannot be read. {error}") from error
