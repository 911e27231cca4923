"""What happens to a second factor, with its entry in the history of the user."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from accounts.second_factor.model import SecondFactor, new_key
from postbacks.credentials.secrets.cipher import SecretUnreadableError, encrypted_anew
from postbacks.credentials.secrets.rotation import Rotated

_FIELD = "second factor"
_CODES = "recovery codes"


def pending(user: User) -> SecondFactor:
    """The factor that a user is setting up: it counts once a first code has confirmed it."""
    factor: SecondFactor
    factor, _made = SecondFactor.objects.get_or_create(user=user, defaults={"key": new_key(), "confirmed": False})
    return factor


@transaction.atomic
def use(user: User, code: str) -> tuple[bool, SecondFactor | None]:
    """Whether the code is valid now, and the user's factor. One that is being set up is confirmed by its first code.

    Raises SecretUnreadableError.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        return False, None
    had = len(factor.recovery_hashes)
    if not factor.verify_token(code):
        return False, factor
    left = len(factor.recovery_hashes)
    if left < had:
        _note(user, _CODES, f"{had} left", f"{left} left")
    if not factor.confirmed:
        factor.confirmed = True
        factor.save(update_fields=["confirmed"])
        _note(user, _FIELD, "off", "on")
    return True, factor


def replace_codes(factor: SecondFactor) -> list[str]:
    """New recovery codes; those before are no longer valid."""
    codes = factor.new_recovery_codes()
    _note(factor.user, _CODES, "", "new ones")
    return codes


@transaction.atomic
def take_off(user: User) -> bool:
    """Removes the second factor; whether there was one. Sessions that it confirmed are no longer confirmed."""
    found = SecondFactor.objects.filter(user=user)
    confirmed = found.filter(confirmed=True).exists()
    deleted, _ = found.delete()
    if confirmed:
        _note(user, _FIELD, "on", "off")
    return bool(deleted)


def encrypt_anew(rotated: Rotated, **_signal: Any) -> None:
    """With the newest key, as the secrets of postbacks."""
    for factor in SecondFactor.objects.select_related("user").order_by("pk"):
        try:
            fresh = encrypted_anew(factor.key)
        except SecretUnreadableError as error:
            rotated.unreadable.append(f"Second factor of {factor.user}: {error}")
            continue
        # Only the key of then: what the user does meanwhile stays.
        rotated.others += SecondFactor.objects.filter(pk=factor.pk, key=factor.key).update(key=fresh)


def _note(user: User, field: str, before: str, after: str) -> None:
    LogEntry.objects.log_create(user, action=LogEntry.Action.UPDATE, changes={field: [before, after]})
