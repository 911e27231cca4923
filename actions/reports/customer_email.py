"""A customer's e-mail address: only its hash is taken, and nothing of a plain one is kept. Pure."""

from __future__ import annotations

import re
from typing import Final

from actions.reports.fields import read_text
from actions.reports.rejected import malformed
from actions.reports.spelling import letters

FIELD: Final = "CustomerEmail"
_LETTERS: Final = letters(FIELD)
# MD5, SHA-1 or SHA-256 in hexadecimal digits.
_HASH: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII | re.IGNORECASE)


def is_hash(value: object) -> bool:
    """Whether a value may be kept as a customer's e-mail."""
    return isinstance(value, str) and bool(_HASH.fullmatch(value.strip()))


def read_hash(field: str, value: object) -> str:
    """The hash of the address, as it was reported. A refusal does not quote the value."""
    text = read_text(field, value).strip()
    if not is_hash(text):
        raise malformed(field, "a plain address is not taken; send its SHA-256, SHA-1 or MD5 in hexadecimal digits.")
    return text


def is_plain(name: str, value: object) -> bool:
    """Whether a field holds, or may hold, a plain address: however it is spelt, and whatever it is."""
    return value not in (None, "") and letters(name) == _LETTERS and not is_hash(value)
