"""From a moment to an id: deliveries get rising ids as time goes on, so no index by time is needed to find a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

# The times of deliveries that statements write at the same time may be out of order; no statement runs for so long.
SKEW: Final = timedelta(seconds=30)

# Halves the span of ids until one is left, the first that was not made before the moment. Each step is one look at the
# primary key, some 23 of them among five million.
_BISECT = """
WITH RECURSIVE span (low, high) AS (
    SELECT min(id), max(id) + 1 FROM postbacks_delivery
    UNION ALL
    SELECT CASE WHEN made_at < %(at)s THEN middle + 1 ELSE low END,
           CASE WHEN made_at < %(at)s THEN high ELSE middle END
    FROM (
        SELECT low, high, middle,
               (SELECT created_at FROM postbacks_delivery WHERE id >= middle ORDER BY id LIMIT 1) AS made_at
        FROM (SELECT low, high, (low + high) / 2 AS middle FROM span WHERE low < high) halves
    ) looked
)
SELECT low FROM span WHERE low >= high
"""


def id_span(since: datetime | None, until: datetime | None) -> tuple[int, int | None]:
    """The ids from `low`, included, up to `high`, not included (None: no end), that hold all deliveries made from
    `since` until `until`, and few others: whoever reads them compares the times as well."""
    low = 0 if since is None else _first_from(since - SKEW)
    return low, None if until is None else _first_from(until + SKEW)


def _first_from(moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BISECT, {"at": moment})
        found = cursor.fetchone()
        return 0 if found is None or found[0] is None else int(found[0])
