"""Whether a password can be guessed: not by what it consists of, but by how soon a guesser comes to it."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn

LEAST_SCORE: Final = 3  # Of 4: 100 million guesses and more, by the package's estimate.
_LOOKED_AT: Final = 72  # Characters; the estimate takes too long beyond, and such a password is long enough.


class StrengthValidator:
    """Refuses words, names, dates, rows of keys and repetitions, also with digits and signs between them."""

    def validate(self, password: str, user: Any = None) -> None:
        known = [str(getattr(user, name, "") or "") for name in ("username", "first_name", "last_name", "email")]
        found = zxcvbn(password[:_LOOKED_AT], user_inputs=["partner", "postbacks", *filter(None, known)])
        if found["score"] < LEAST_SCORE:
            why = found["feedback"]["warning"].rstrip(".")
            reason = f": {why[0].lower()}{why[1:]}" if why else ""
            raise ValidationError(
                f"This password is soon guessed{reason}. Take four words that have nothing in common."
            )

    def get_help_text(self) -> str:
        return "A guesser must not come to your password soon: four words without anything in common are good."
