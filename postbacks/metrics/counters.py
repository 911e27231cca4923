"""The counters in a tally and a roll-up, by name. The names are stored, so they must not change.

attempts, succeeded            requests that were made, and how many of them were judged a success
delivered, failed, cancelled   deliveries that ended in this state
first, first_succeeded         those of them that were the first of their delivery; counted since 0.1.0
why:<class>                    failed attempts, and deliveries that failed without an attempt, by class of reason
took:<place>                   attempts by duration: the place of the first longer bound in TOOK_MS
lag:<place>                    delivered and failed deliveries by seconds from due to recorded, likewise in LAG_SECONDS
took_us, lag_ms                the sums of these durations and lags, in microseconds and milliseconds; since 0.1.0
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

COLUMNS = ("attempts", "succeeded", "delivered", "failed", "cancelled")
FIRST, FIRST_SUCCEEDED = "first", "first_succeeded"
WHY, TOOK, LAG = "why:", "took:", "lag:"
# Whole numbers, as all counters: small enough for 64 bits after a billion deliveries that were late by days.
TOOK_SUM, LAG_SUM = "took_us", "lag_ms"
TOOK_PER_SECOND, LAG_PER_SECOND = 1_000_000, 1_000

# Upper bounds in milliseconds; one more place holds what is longer than all. There are two or three for each doubling,
# so that a percentile is at most a quarter off; the last is above any usual total timeout.
TOOK_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 60_000),
)
# Upper bounds in seconds: from on time to held for a week.
LAG_SECONDS = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10, 20, 30),
    *(60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800),
)


def place(bounds: Sequence[float], value: float) -> int:
    """The place of the first bound above the value; len(bounds) if there is none. Same as PostgreSQL's width_bucket."""
    return bisect_right(bounds, value)


def histogram(details: Mapping[str, int], prefix: str, bounds: Sequence[float]) -> list[int]:
    """The count at each place, len(bounds) + 1 in all."""
    return [details.get(f"{prefix}{number}", 0) for number in range(len(bounds) + 1)]


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of all lie, in the unit of the bounds, interpolated between two bounds.

    None if nothing was counted. Values above the last bound count as that bound.
    """
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    below = 0.0
    for number, count in enumerate(counts):
        if count and below + count >= wanted:
            if number == len(bounds):
                return float(bounds[-1])
            lower = bounds[number - 1] if number else 0.0
            return lower + (bounds[number] - lower) * (wanted - below) / count
        below += count
    return float(bounds[-1])
