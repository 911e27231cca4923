"""What may be proposed, by the keys of a configuration file. What is secret is encrypted before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal.models import Proposal
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.credentials.secrets.headers import typed_header
from value_types.secret_text import MASK

Sealed = list[list[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """A key that may be proposed. Of a secret one, the values are a mapping of names to secrets."""

    key: str
    label: str
    secret: bool = False
    required: bool = False


FIELDS: Final = (
    Field("url", "URL", required=True),
    Field("headers", "HTTP Header"),
    Field("secret_headers", "Secret headers", secret=True),
)
BY_KEY: Final[Mapping[str, Field]] = {each.key: each for each in FIELDS}


def seal(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sealed]]:
    """What to keep of changes that can be saved: plain values, and secrets encrypted. A mask becomes an empty token,
    for the value that the postback then has."""
    values = {key: value for key, value in changes.items() if not BY_KEY[key].secret}
    secrets = {key: _sealed(value or {}) for key, value in changes.items() if BY_KEY[key].secret}
    return values, secrets


def unsealed(proposal: Proposal) -> dict[str, Any]:
    """The changes with their secrets, to be saved and for nothing else. Raises SecretUnreadableError."""
    secrets = {
        key: {name: decrypt(token) if token else MASK for name, token in pairs}
        for key, pairs in proposal.secrets.items()
    }
    return {**proposal.values, **secrets}


def shown(proposal: Proposal) -> dict[str, Any]:
    """The changes as anybody may see them: the mask in place of each secret."""
    return {**proposal.values, **{key: {name: MASK for name, _ in pairs} for key, pairs in proposal.secrets.items()}}


def _sealed(given: Mapping[str, Any]) -> Sealed:
    typed = [typed_header(str(name), str(value).strip()) for name, value in given.items()]
    return [[name, "" if value is None else encrypt(value)] for name, value in typed]
