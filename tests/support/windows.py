"""What a receiver counts: how many requests came within a second."""

from __future__ import annotations

from collections.abc import Iterable


def most_in_a_second(times: Iterable[float]) -> int:
    """The most in any second, wherever it begins."""
    ordered = sorted(times)
    most = first = 0
    for last, time in enumerate(ordered):
        while ordered[first] <= time - 1:
            first += 1
        most = max(most, last - first + 1)
    return most
