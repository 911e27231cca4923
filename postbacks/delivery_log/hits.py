"""A row of the log that was found."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

_KEY = re.compile(r"\d{1,19}(?:\.\d{1,19})?", re.ASCII)


def key_in(text: str) -> str | None:
    """The key of a row, as a request gives it; None if it can be none."""
    return text if _KEY.fullmatch(text) else None


class Hit(NamedTuple):
    """A delivery, and one of its attempts where the log lists attempts; `key` is where the next page may begin."""

    key: str
    delivery: int
    attempt: int | None = None


class Finding(Protocol):
    """The log in one of its orders."""

    def older(self, key: str | None, limit: int) -> list[Hit]:
        """The newest rows, or those beyond the key of a row; newest first."""

    def newer(self, key: str, limit: int) -> list[Hit]:
        """The rows before the key of a row; newest first."""

    def some(self, limit: int) -> list[int]:
        """Up to `limit` ids of deliveries, in any order; fewer means that these are all."""
