"""The counters that a tally and a roll-up hold, by name: their names are stored, so they stay as they are.

attempts, succeeded            requests that were made, and those of them judged a success
delivered, failed, cancelled   deliveries that ended so
why:<class>                    failed attempts, and deliveries that ended as failed without one, by class of reason
took:<place>                   attempts by duration, to the place of the first bound of TOOK that is longer
lag:<place>                    delivered and failed ones by the time from due to recorded, by the bounds of LAG
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

COLUMNS = ("attempts", "succeeded", "delivered", "failed", "cancelled")
WHY, TOOK, LAG = "why:", "took:", "lag:"

# Upper bounds in milliseconds; one more place is for what is longer than all. Two or three to the doubling, so that a
# percentile read from them is right within a quarter; the last is above the longest total timeout that is usual.
TOOK_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 60_000),
)
# Upper bounds in seconds: from punctual to held for a week.
LAG_SECONDS = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10, 20, 30),
    *(60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800),
)


def place(bounds: Sequence[float], value: float) -> int:
    """The place of the first bound above the value; len(bounds) if there is none. As PostgreSQL's width_bucket."""
    return bisect_right(bounds, value)


def histogram(details: Mapping[str, int], prefix: str, bounds: Sequence[float]) -> list[int]:
    """The counts of each place, len(bounds) + 1 of them."""
    return [details.get(f"{prefix}{number}", 0) for number in range(len(bounds) + 1)]


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of all lie, in the bounds' unit; straight between two bounds.

    None where nothing was counted. What lies above the last bound counts as that bound.
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
