"""Making, replacing and removing the signing key of a postback. A new key is shown once, when it is made."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.signing.keys import FIELDS
from postbacks.credentials.signing.signer import HEADERS, new_key
from postbacks.models import Postback
from value_types.secret_text import SecretText


def ensure_key(postback: Postback) -> None:
    """Gives a postback a key unless it has one; the row is not saved. The key is shown to nobody: `renew` makes one
    that is."""
    if not postback.signed:
        make_key(postback)


def make_key(postback: Postback) -> SecretText:
    """Gives a postback a new key and nothing of an old one; the row is not saved."""
    key = new_key()
    postback.signing_key, postback.signing_key_made_at = encrypt(key), timezone.now()
    postback.previous_signing_key, postback.previous_signing_key_until = "", None
    return key


def remove_keys(postback: Postback) -> None:
    """The row is not saved."""
    postback.signing_key, postback.signing_key_made_at = "", None
    postback.previous_signing_key, postback.previous_signing_key_until = "", None


class SigningError(Exception):
    """It cannot be signed; the text says why and what to do."""


def renew(postback: Postback, overlap: timedelta) -> SecretText:
    """Makes and saves the key that signs from now on; the one before signs as well until `overlap` is over. One that
    was replaced earlier signs no more. Returns the new key: this is the only time that it can be shown.

    Raises SigningError where the postback sets a header of the signature by itself.
    """
    with transaction.atomic():
        _lock(postback)
        _check_headers(postback)
        before = postback.signing_key
        key = make_key(postback)
        if before and overlap:
            postback.previous_signing_key = before
            postback.previous_signing_key_until = timezone.now() + overlap
        _save(postback)
    return key


def stop_signing(postback: Postback) -> None:
    """Removes and saves."""
    with transaction.atomic():
        _lock(postback)
        remove_keys(postback)
        _save(postback)


def _check_headers(postback: Postback) -> None:
    lines = (line.partition(":")[0] for line in postback.headers.splitlines())
    own = [name.strip() for name in (*lines, *(name for name, _token in postback.secret_headers))]
    taken = [name for name in own if name.lower() in HEADERS]
    if taken:
        raise SigningError(f"{postback} sets {', '.join(taken)} among its headers. Take it out: the signature sets it.")


def _lock(postback: Postback) -> None:
    """Two who renew at once: the second replaces the first one's key, and knows it."""
    postback.refresh_from_db(fields=FIELDS, from_queryset=Postback.objects.select_for_update(of=("self",)))


def _save(postback: Postback) -> None:
    postback.save(update_fields=[*FIELDS, "updated_at"])
