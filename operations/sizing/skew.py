"""How unequal cells are: accounts differ in size, by far, and each is in one cell.

Sizes follow Zipf's law: the second largest has half of the largest one's events, the third a third of them.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

_MOST_CELLS = 1_000


@dataclass(frozen=True, slots=True)
class Division:
    """Into how many cells a load is divided, and how many times the mean the largest of them has. Without `fits`, the
    largest account alone is more than one cell can carry."""

    cells: int
    largest: float
    fits: bool


def shares(accounts: int, exponent: float = 1.0) -> list[float]:
    """The part of all events that each account has, the largest first."""
    sizes = [1 / rank**exponent for rank in range(1, accounts + 1)]
    whole = sum(sizes)
    return [size / whole for size in sizes]


def placed(parts: Sequence[float], cells: int) -> list[float]:
    """What each cell has when accounts are placed one by one, the largest first, each where there is most room."""
    loads = [0.0] * cells
    for part in sorted(parts, reverse=True):
        heapq.heapreplace(loads, loads[0] + part)
    return loads


def scattered(parts: Sequence[float], cells: int, chance: random.Random) -> list[float]:
    """What each cell has when a hash of its id places an account."""
    loads = [0.0] * cells
    for part in parts:
        loads[chance.randrange(cells)] += part
    return loads


def unevenness(loads: Sequence[float]) -> float:
    """How many times the mean the largest has."""
    return max(loads) * len(loads) / sum(loads)


def divide(servers: float, accounts: int) -> Division:
    """The fewest cells for a load that needs so many of the largest servers, the accounts placed one by one."""
    if servers <= 1:
        return Division(1, 1.0, fits=True)
    parts = shares(accounts)
    least = ceil(servers)
    if parts[0] * servers <= 1:
        for cells in range(least, _MOST_CELLS):
            loads = placed(parts, cells)
            if max(loads) * servers <= 1:
                return Division(cells, unevenness(loads), fits=True)
    return Division(least, unevenness(placed(parts, least)), fits=False)
