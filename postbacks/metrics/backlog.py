"""What waits to be sent, counted up to a limit: counting a million rows takes too long for a page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from postbacks.database import as_array
from postbacks.delivery_states import SQL_UNFINISHED
from stores.replica import reading

COUNTED_UP_TO: Final = 10_000  # For one postback.
ALL_COUNTED_UP_TO: Final = 100_000

_OF_POSTBACKS = f"""
SELECT p.id, (
    SELECT count(*) FROM (
        SELECT 1 FROM postbacks_delivery d
        WHERE d.postback_id = p.id AND d.state IN {SQL_UNFINISHED} LIMIT %s
    ) counted
) FROM unnest(%s::bigint[]) AS p (id)
"""  # noqa: S608 -- made of constants
_OF_ALL = f"""
SELECT count(*) FROM (
    SELECT 1 FROM postbacks_delivery WHERE state IN {SQL_UNFINISHED} LIMIT %s
) counted
"""  # noqa: S608 -- as above
# One lookup in the index of the claim for each postback and priority.
_OLDEST = """
SELECT p.id, first.due_at FROM postbacks_postback p
CROSS JOIN unnest(ARRAY[0, 1, 2]) AS class (priority)
CROSS JOIN LATERAL (
    SELECT d.due_at FROM postbacks_delivery d
    WHERE d.postback_id = p.id AND d.priority = class.priority AND d.state = 'ready' AND d.due_at <= now()
    ORDER BY d.due_at, d.id LIMIT 1
) first
WHERE p.paused_at IS NULL AND p.deleted_at IS NULL AND (%(all)s OR p.id = ANY (%(chosen)s::bigint[]))
ORDER BY first.due_at, p.id LIMIT 1
"""


def waiting_of(postback_ids: Iterable[int], up_to: int | None = None) -> dict[int, int]:
    """How many deliveries are unfinished, by postback; `up_to` + 1 means more than `up_to`, which is `COUNTED_UP_TO`
    unless given."""
    up_to = COUNTED_UP_TO if up_to is None else up_to
    with reading.cursor() as cursor:
        cursor.execute(_OF_POSTBACKS, (up_to + 1, as_array(postback_ids)))
        return dict(cursor.fetchall())


def waiting_in_all() -> int:
    """How many deliveries are unfinished; `ALL_COUNTED_UP_TO` + 1 means more than `ALL_COUNTED_UP_TO`."""
    with reading.cursor() as cursor:
        cursor.execute(_OF_ALL, (ALL_COUNTED_UP_TO + 1,))
        return int(cursor.fetchone()[0])


def oldest_due() -> datetime | None:
    """Since when the oldest waiting delivery has been due; blocked ones and those of paused postbacks do not count."""
    found = longest_waiting()
    return found[1] if found else None


def longest_waiting(postback_ids: Iterable[int] | None = None) -> tuple[int, datetime] | None:
    """Which of these postbacks, or of all, has the oldest delivery of `oldest_due`, and since when it has been due."""
    with reading.cursor() as cursor:
        cursor.execute(_OLDEST, {"all": postback_ids is None, "chosen": as_array(postback_ids or ())})
        found: tuple[int, datetime] | None = cursor.fetchone()
        return found


def shown(count: int, up_to: int) -> str:
    return f"over {up_to:,}" if count > up_to else f"{count:,}"
