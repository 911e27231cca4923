"""Attempts that two processes made for one delivery at the same time: both are kept.

It happens when a process was cut off from the database for so long that another took its deliveries over, and yet had
requests on their way. Only one of the two counts among those that a delivery has in all; the other is an overlap.
"""

from __future__ import annotations

from psycopg2 import extensions

from postbacks.delivery.attempt_rows import COLUMNS, Row

FIRST_NUMBER = 101  # Numbers below are for attempts that count, of which there are far fewer.

_NUMBER = COLUMNS.index("number")
_STARTED_AT = COLUMNS.index("started_at")

# An attempt is known by when it began: the same one, written before, is not written again. Nor is one whose delivery is
# gone: nobody would ever find it.
KEEP = f"""
INSERT INTO postbacks_attempt ({", ".join(COLUMNS)}, overlap_of)
SELECT {", ".join("greatest(%s, a.last + 1)" if name == "number" else "%s" for name in COLUMNS)}, %s
FROM (SELECT id FROM postbacks_delivery WHERE id = %s FOR KEY SHARE) d
CROSS JOIN (SELECT max(number) AS last FROM postbacks_attempt WHERE delivery_id = %s) a
WHERE NOT EXISTS (SELECT 1 FROM postbacks_attempt WHERE delivery_id = %s AND started_at = %s)
ON CONFLICT DO NOTHING
"""  # noqa: S608 -- names


def keep(cursor: extensions.cursor, row: Row) -> bool:
    """Writes the row of an attempt as an overlap; returns whether it was not there before."""
    delivery = row[0]
    values = (*row[:_NUMBER], FIRST_NUMBER, *row[_NUMBER + 1 :], row[_NUMBER], *[delivery] * 3, row[_STARTED_AT])
    for _ in range(2):  # At the second try, the number of an overlap that was written at this moment is known.
        cursor.execute(KEEP, values)
        if cursor.rowcount:
            return True
    return False
