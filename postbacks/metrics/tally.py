"""Tallies: counts of what a transaction records, written in that transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson
from psycopg2 import extensions

from postbacks.metrics.counters import WHY

# The transaction's time, which is also when its deliveries ended and its attempts were recorded: what a figure counts
# and the rows that it leads to are of the same moments.
APPEND = "INSERT INTO postbacks_tally (at, counts) VALUES (now(), %s)"

Counts = Mapping[int, Mapping[str, int]]  # By postback.
Summed = dict[str, dict[str, int]]  # By the id of the postback as JSON has it, and counter.


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


def added(tallies: Iterable[tuple[datetime, str]]) -> dict[datetime, Summed]:
    """The sums of tallies, each given as its time and its text, by the minute in which they were counted."""
    by_minute: defaultdict[datetime, Summed] = defaultdict(dict)
    for at, text in tallies:
        sums = by_minute[at.replace(second=0, microsecond=0)]
        for postback, counts in orjson.loads(text).items():
            summed = sums.get(postback)
            if summed is None:
                sums[postback] = counts
            else:
                add(summed, counts)
    return by_minute


def add(to: dict[str, int], counts: Mapping[str, int]) -> None:
    """Adds the counts to those of the same name."""
    before = to.get
    for name, number in counts.items():
        to[name] = before(name, 0) + number


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum by name."""
    sums: dict[str, int] = {}
    for each in counts:
        add(sums, each)
    return sums
