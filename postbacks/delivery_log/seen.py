"""What a page knew when it was made, so that a form that is sent twice acts once."""

from __future__ import annotations

from typing import NamedTuple

from stores.replica import reading

_NEWEST = """
SELECT coalesce((SELECT max(id) FROM postbacks_delivery), 0), coalesce((SELECT max(id) FROM postbacks_attempt), 0)
"""


class Seen(NamedTuple):
    """The newest delivery and the newest attempt. Ids, not times: those of several hosts may differ."""

    delivery: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.delivery}-{self.attempt}"


def seen_now() -> Seen:
    with reading.cursor() as cursor:
        cursor.execute(_NEWEST)
        return Seen(*(cursor.fetchone() or (0, 0)))


def seen_by(text: str) -> Seen:
    """What a form carries. Of a form without it, such as one that was opened before an upgrade, what is known now."""
    delivery, _, attempt = text.partition("-")
    if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (delivery, attempt)):  # bigint
        return Seen(int(delivery), int(attempt))
    return seen_now()
