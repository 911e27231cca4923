"""Turns a time into an id: ids of deliveries and attempts rise with time, so finding a time needs no index of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from stores.replica import reading

# Deliveries written by concurrent statements may be out of order by time, but no statement runs this long.
SKEW: Final = timedelta(seconds=30)

# Halves the span of ids until one is left: the first that was not made before the moment. Each step is one lookup in
# the primary key; five million rows take some 23 steps.
_BISECT = """
WITH RECURSIVE span (place, moment, low, high) AS (
    SELECT m.place, m.moment, edge.low, edge.high
    FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS m (moment, place),
         (SELECT min(id) AS low, max(id) + 1 AS high FROM {table}) edge
    WHERE m.moment IS NOT NULL
    UNION ALL
    SELECT place, moment, CASE WHEN made_at < moment THEN middle + 1 ELSE low END,
           CASE WHEN made_at < moment THEN high ELSE middle END
    FROM (
        SELECT place, moment, low, high, middle,
               (SELECT {at} FROM {table} WHERE id >= middle ORDER BY id LIMIT 1) AS made_at
        FROM (SELECT *, (low + high) / 2 AS middle FROM span WHERE low < high) halves
    ) looked
)
SELECT place, low FROM span WHERE low >= high
"""


class Table(NamedTuple):
    """A table whose ids rise with time, and its time."""

    name: str
    at: str


DELIVERIES: Final = Table("postbacks_delivery", "created_at")
ATTEMPTS: Final = Table("postbacks_attempt", "coalesce(recorded_at, started_at)")


def id_span(since: datetime | None, until: datetime | None, of: Table = DELIVERIES) -> tuple[int, int | None]:
    """The ids from `low` (inclusive) to `high` (exclusive; None: no end), which cover all rows made from `since` to
    `until` and few others, so the caller must compare the times too."""
    if since is None and until is None:
        return 0, None
    moments = [None if since is None else since - SKEW, None if until is None else until + SKEW]
    with reading.cursor() as cursor:
        cursor.execute(_BISECT.format(table=of.name, at=of.at), [moments])
        found = dict(cursor.fetchall())  # Empty where there are no deliveries.
    return found.get(1, 0), None if until is None else found.get(2, 0)
