"""Encrypting what is stored again with the newest key, so that older ones can be taken away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import transaction
from django.dispatch import Signal

from postbacks.credentials.secrets.cipher import SecretUnreadableError, encrypted_anew
from postbacks.models import AccessToken, Postback

# Fields of a postback that hold secrets, encrypted. Histories of changes and exports leave out their values.
SECRET_FIELDS = (
    *("secret_headers", "signing_key", "previous_signing_key"),
    *("basic_password", "oauth_client_secret", "client_key"),
)


# Sent with `rotated`, to add to, when the secrets of all postbacks are encrypted again: for those of other apps.
secrets_rotated = Signal()


@dataclass(slots=True)
class Rotated:
    """How many postbacks, and secrets of others, were encrypted again, and a sentence for each secret that could not be
    read, and stays."""

    postbacks: int = 0
    others: int = 0
    unreadable: list[str] = field(default_factory=list)


def number_of_postbacks() -> int:
    """How many postbacks `rotate_secrets` looks at."""
    return Postback.objects.count()


def rotate_secrets(watch: Callable[[int], object] = lambda _: None) -> Rotated:
    """Encrypts every secret of every postback, deleted ones too, with a transaction for each postback. May be run
    again at any time. `watch` is told of each postback that was looked at."""
    rotated = Rotated()
    for pk in Postback.objects.order_by("pk").values_list("pk", flat=True).iterator():
        with transaction.atomic():
            _rotate(pk, rotated)
        watch(1)
    _rotate_tokens()
    secrets_rotated.send(sender=Rotated, rotated=rotated)
    return rotated


def _rotate(pk: int, rotated: Rotated) -> None:
    postback = Postback.objects.select_for_update(of=("self",)).get(pk=pk)
    try:
        fresh = {name: _anew(getattr(postback, name)) for name in SECRET_FIELDS if getattr(postback, name)}
    except SecretUnreadableError as error:
        rotated.unreadable.append(f"Postback {pk} ({postback.name}): {error}")
        return
    if fresh:  # By the query set: nothing about the postback changes that a history should tell.
        Postback.objects.filter(pk=pk).update(**fresh)
        rotated.postbacks += 1


def _rotate_tokens() -> None:
    """Access tokens too. One that cannot be read is fetched again, so nobody needs to hear of it."""
    for pk, token in AccessToken.objects.exclude(token="").values_list("pk", "token"):
        with suppress(SecretUnreadableError):
            AccessToken.objects.filter(pk=pk, token=token).update(token=encrypted_anew(token))


def _anew(stored: str | list[list[str]]) -> str | list[list[str]]:
    if isinstance(stored, str):
        return encrypted_anew(stored)
    return [[name, encrypted_anew(token)] for name, token in stored]
