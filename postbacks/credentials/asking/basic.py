"""HTTP Basic (RFC 7617). Pure."""

from __future__ import annotations

import re
from base64 import b64encode

from value_types.secret_text import SecretText

MOST_CHARACTERS = 2048  # Of each part; servers take some 8 KiB of headers in all.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def header_value(user: str, password: str) -> SecretText:
    """The value of `Authorization`; both parts go out as UTF-8."""
    return SecretText(f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")


def user_problem(user: str) -> str:
    """Why this cannot be the user; empty if it can."""
    if not user:
        return "HTTP Basic needs a user."
    if ":" in user:
        return "The user holds a colon, which HTTP Basic cannot send: a server ends the user at the first one."
    return _text_problem("user", user)


def password_problem(password: str) -> str:
    """Why this cannot be the password, without a word of it; empty if it can."""
    return _text_problem("password", password)


def _text_problem(what: str, text: str) -> str:
    if _CONTROL.search(text):
        return f"The {what} holds a control character, which HTTP Basic cannot send."
    return f"The {what} is longer than {MOST_CHARACTERS:,} characters." if len(text) > MOST_CHARACTERS else ""
