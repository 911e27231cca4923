"""The second factor of a user: the key that their app shares with us, and what is left of their recovery codes."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Final
from urllib.parse import quote, urlencode

from django.contrib.auth.models import User
from django.db import models
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from postbacks.credentials.secrets.cipher import decrypt, encrypt

ISSUER: Final = "Partner Postbacks"
KEY_BYTES: Final = 20  # RFC 4226 recommends 160 bits.
STEP_SECONDS: Final = 30  # What apps assume (RFC 6238).
DIGITS: Final = 6
TOLERATED_STEPS: Final = 1  # Either way: clocks differ, and people type slowly.
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10  # 80 bits: too many to guess even by their hashes.


class SecondFactor(ThrottlingMixin, Device):  # type: ignore[misc]  # the package has no types
    """Failed codes make the user wait, each time twice as long; the class of the package sees to that."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    key = models.TextField(help_text="Encrypted.")
    last_step = models.BigIntegerField(default=-1, db_default=-1, help_text="The step of the code that was used last.")
    recovery_hashes = models.JSONField(default=list, db_default=[], help_text="SHA-256 of each code that is left.")

    class Meta:
        verbose_name = "second factor"

    def __str__(self) -> str:
        return f"Second factor of {self.user}"

    def get_throttle_factor(self) -> int:
        """Seconds to wait after the first failure."""
        return 1

    def verify_token(self, token: str) -> bool:
        """Whether this is the app's code of now, or a recovery code; neither is valid twice. Saves what became of it.

        Call it in a transaction that has locked the row. Raises SecretUnreadableError.
        """
        if not self.verify_is_allowed()[0]:
            return False
        typed = "".join(token.split()).replace("-", "").lower()
        if self._is_of_app(typed) or self._is_recovery(typed):
            self.throttle_reset(commit=False)
            self.save()
            return True
        self.throttle_increment()
        return False

    def new_recovery_codes(self) -> list[str]:
        """Replaces the recovery codes; they cannot be read again."""
        codes = [base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
        self.recovery_hashes = [_hash(code) for code in codes]
        self.save(update_fields=["recovery_hashes"])
        return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]

    @property
    def typed_key(self) -> str:
        """The key for who cannot take a picture of the code. Raises SecretUnreadableError."""
        return str(decrypt(self.key))

    @property
    def app_url(self) -> str:
        """What the picture for the app says. Raises SecretUnreadableError."""
        label = quote(f"{ISSUER}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.typed_key, 'issuer': ISSUER}, quote_via=quote)}"

    def _is_of_app(self, typed: str) -> bool:
        if not (typed.isascii() and typed.isdecimal() and len(typed) == DIGITS):
            return False
        code = TOTP(base64.b32decode(self.typed_key), STEP_SECONDS, digits=DIGITS)
        code.time = time.time()
        if not code.verify(int(typed), TOLERATED_STEPS, self.last_step + 1):
            return False
        self.last_step = code.t()
        return True

    def _is_recovery(self, typed: str) -> bool:
        hashed = _hash(typed)
        if hashed not in self.recovery_hashes:
            return False
        self.recovery_hashes = [each for each in self.recovery_hashes if each != hashed]
        return True


def new_key() -> str:
    """A key, encrypted."""
    return encrypt(base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode())


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
