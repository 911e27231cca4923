"""What may be proposed, by the keys of a configuration file. What is secret is encrypted before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal.models import Proposal
from postbacks.credentials.asking import fields as asking
from postbacks.credentials.asking.typed import typed_secret
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.credentials.secrets.headers import receiver_of, typed_header
from postbacks.models import Postback
from value_types.secret_text import MASK

Sealed = list[list[str]]
"""[name, token] pairs; of a secret that stands alone at most one, without a name. An empty token stands for the value
that the postback has."""


@dataclass(frozen=True, slots=True)
class Field:
    """A key that may be proposed. Of a `named` one, which is secret, the value is a mapping of names to secrets."""

    key: str
    label: str
    required: bool = False
    named: bool = False

    @property
    def secret(self) -> bool:
        return self.named or self.key in asking.SECRETS


_LABELS: Final = {
    "authentication": "Authentication",
    "basic_user": "User of HTTP Basic",
    "basic_password": "Password of HTTP Basic",
    "oauth_token_url": "Token URL",
    "oauth_client_id": "Client id",
    "oauth_client_secret": "Client secret",
    "oauth_client_auth": "Place of client id and secret",
    "oauth_scope": "Scope",
    "oauth_audience": "Audience",
    "oauth_parameters": "More parameters for the token server",
    "client_certificate": "Client certificate",
    "client_key": "Key of the client certificate",
    "trusted_authorities": "Trusted authorities",
}
"""Of the fields of authentication: here they stand alone, where the form has them under a heading."""

FIELDS: Final = (
    Field("url", "URL", required=True),
    Field("headers", "HTTP Header"),
    Field("secret_headers", "Secret headers", named=True),
    *(Field(key, _LABELS[key]) for key in asking.FIELDS),
)
CHOICES: Final = {"authentication": Postback.Authentication.choices, "oauth_client_auth": Postback.ClientAuth.choices}
BY_KEY: Final[Mapping[str, Field]] = {each.key: each for each in FIELDS}

# Plain headers may hold a password too.
_GIVEN_FOR: Final[Mapping[str, tuple[str, ...]]] = {**asking.BOUND_TO, "headers": ("url",)}


def given_for_another(key: str, before: object, after: object) -> bool:
    """Whether what a postback has under this key was given for another receiver or token server than it will have."""
    urls = _GIVEN_FOR.get(key, ())
    return any(receiver_of(getattr(before, url)) != receiver_of(getattr(after, url)) for url in urls)


def seal(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sealed]]:
    """What to keep of changes that can be saved: plain values, and secrets encrypted. A mask becomes an empty token,
    for the value that the postback then has."""
    values = {key: value for key, value in changes.items() if not BY_KEY[key].secret}
    secrets = {key: _sealed(BY_KEY[key], value) for key, value in changes.items() if BY_KEY[key].secret}
    return values, secrets


def unsealed(proposal: Proposal) -> dict[str, Any]:
    """The changes with their secrets, to be saved and for nothing else. Raises SecretUnreadableError."""
    return {**proposal.values, **_by_name(proposal, lambda token: decrypt(token) if token else MASK)}


def shown(proposal: Proposal) -> dict[str, Any]:
    """The changes as anybody may see them: the mask in place of each secret."""
    return {**proposal.values, **_by_name(proposal, lambda _token: MASK)}


def stored_secrets(postback: object, field: Field) -> Sealed:
    """Of a secret field, what the postback has."""
    value: Any = getattr(postback, field.key)
    return [list(pair) for pair in value] if field.named else [["", value]] if value else []


def _by_name(proposal: Proposal, text_of: Callable[[str], str]) -> dict[str, Any]:
    """The secrets as a file has them: a mapping of those with names, a text of the one without."""
    found: dict[str, Any] = {}
    for key, pairs in proposal.secrets.items():
        texts = {name: text_of(token) for name, token in pairs}
        found[key] = texts if BY_KEY[key].named else "".join(texts.values())
    return found


def _sealed(field: Field, given: Any) -> Sealed:
    if field.named:
        typed = [typed_header(str(name), str(value).strip()) for name, value in (given or {}).items()]
        return [[name, "" if value is None else encrypt(value)] for name, value in typed]
    secret = typed_secret(field.key, given or "")
    if secret is None:
        return [["", ""]]
    return [["", encrypt(secret)]] if secret else []
