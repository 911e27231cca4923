"""Tallies: counts of what a transaction records, written in that transaction."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from psycopg2 import extensions

from postbacks.metrics.counters import WHY

# The transaction's time, which is also when its deliveries ended and its attempts were recorded: what a figure counts
# and the rows that it leads to are of the same moments.
APPEND = "INSERT INTO postbacks_tally (at, counts) VALUES (now(), %s)"

Counts = Mapping[int, Mapping[str, int]]  # By postback.


def count_ended(cursor: extensions.cursor, by_postback: Mapping[int, int], state: str, why: str = "") -> None:
    """Counts deliveries that end as `failed` or `cancelled` without the recorder, in the transaction that ends them.

    `why` is one of `reasons.LABELS`, for failed ones.
    """
    counts = {}
    for lane, number in by_postback.items():
        if number:
            counts[lane] = {str(state): number} | ({f"{WHY}{why}": number} if why else {})
    append(cursor, counts)


def append(cursor: extensions.cursor, counts: Counts) -> None:
    """Writes the tally, unless nothing was counted."""
    if counts:
        cursor.execute(APPEND, (as_text(counts),))


def as_text(counts: Counts) -> str:
    return orjson.dumps(counts, option=orjson.OPT_NON_STR_KEYS).decode()
