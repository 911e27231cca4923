"""Secret headers: anyone may know their names, only the person who typed them and the receiver their values.

Stored are [name, token] pairs in order. A value is sent exactly as it was typed: it is not a template, so
that braces of a token stay what they are, and no mistake in it can be quoted back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from value_types.secret_text import MASK, SecretText

Stored = list[list[str]]

MOST_CHARACTERS = 4096  # Of one value. Servers take some 8 KiB of headers in all.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # A line end would begin another header.
_PLACE = re.compile(r"\s*(https?)://(?:[^/?#@]*@)?([^/?#]*)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Typed(NamedTuple):
    """One line. Without a value the stored one is meant: it was left masked."""

    name: str
    value: SecretText | None


def parse_lines(text: str) -> list[Typed]:
    """The `Name: value` lines of a form; blank ones are skipped.

    Raises ValueError, which names the line but never what stands in it.
    """
    typed: list[Typed] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"line {number}: Not “Name: value”: the colon is missing.")
        try:
            typed.append(typed_header(name.strip(), value.strip()))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return typed


def typed_header(name: str, value: str) -> Typed:
    """One header. Raises ValueError, without the value, where it cannot be sent."""
    if value == MASK:
        return Typed(name, None)
    if not value:
        raise ValueError(f"The value of {name} is missing. Type it, or take the line out.")
    if MASK in value:
        raise ValueError(f"The value of {name} holds the mask. Type the whole value, or leave the mask alone.")
    if _CONTROL.search(value):
        raise ValueError(f"The value of {name} holds a control character, which no header can.")
    if len(value) > MOST_CHARACTERS:
        raise ValueError(f"The value of {name} is longer than {MOST_CHARACTERS:,} characters.")
    return Typed(name, SecretText(value))


def to_store(typed: Iterable[Typed], url: str, stored: Sequence[Sequence[str]], stored_url: str) -> Stored:
    """What to store: new values encrypted, masked ones as they were stored.

    `stored` were given for the receiver of `stored_url`. If `url` names another, what was kept secret must not go along
    unasked. Raises ValueError where a masked value cannot be kept.
    """
    same_receiver = receiver_of(url) == receiver_of(stored_url)
    tokens = {name.lower(): token for name, token in stored}
    pairs: Stored = []
    for name, value in typed:
        token = tokens.get(name.lower())
        if value is None and token is None:
            raise ValueError(f"No value of {name} is kept. Type it.")
        if value is None and not same_receiver:
            raise ValueError(
                f"The URL names another receiver, and the value of {name} was given for the one before. Type it again."
            )
        if token is None or (value is not None and not _is_value_of(token, value)):
            token = encrypt(value or "")
        pairs.append([name, token])
    return pairs


def masked_lines(stored: Sequence[Sequence[str]]) -> str:
    """The text of the form's field."""
    return "\n".join(f"{name}: {MASK}" for name, _token in stored)


def decrypted(stored: Sequence[Sequence[str]]) -> tuple[tuple[str, SecretText], ...]:
    """Names and values. Raises SecretUnreadableError naming the header."""
    headers = []
    for name, token in stored:
        try:
            headers.append((name, decrypt(token)))
        except SecretUnreadableError as error:
            raise SecretUnreadableError(f"The value of the secret header {name} cannot be read. {error}") from error
    return tuple(headers)


def receiver_of(url: str) -> str:
    """Scheme, host and port of a URL template, for comparing: templates hold no placeholder there."""
    found = _PLACE.match(url)
    if found is None:
        return ""
    scheme, place = found[1].lower(), found[2].lower()
    return f"{scheme}://{place.removesuffix(_DEFAULT_PORTS[scheme])}"


def _is_value_of(token: str, value: str) -> bool:
    """Whether a token holds this value already. Then it stays, so that loading the same file twice changes nothing."""
    try:
        return decrypt(token) == value
    except SecretUnreadableError:
        return False
