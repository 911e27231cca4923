"""How unequal cells are, computed: `python -m benchmarks.skew`. No server is asked; it takes seconds."""

from __future__ import annotations

import random

from operations.sizing.skew import placed, scattered, shares, unevenness

ACCOUNTS = (100, 1_000, 10_000)
CELLS = (2, 4, 8, 16)
_TRIES = 200


def main() -> None:
    """Prints a line for each number of accounts and of cells: the largest cell's load, in times the mean."""
    chance = random.Random(20261126)  # noqa: S311 -- the same figures each time
    heads = ("largest account", "largest first", "by hash", "1 in 20 above")
    print(f"{'accounts':>8} {'cells':>6}" + "".join(f"{head:>16}" for head in heads))
    for accounts in ACCOUNTS:
        parts = shares(accounts)
        for cells in CELLS:
            found = sorted(unevenness(scattered(parts, cells, chance)) for _ in range(_TRIES))
            mean, high = sum(found) / _TRIES, found[_TRIES * 95 // 100]
            best = unevenness(placed(parts, cells))
            print(f"{accounts:>8,} {cells:>6}{parts[0]:>16.1%}{best:>16.2f}{mean:>16.2f}{high:>16.2f}")


if __name__ == "__main__":
    main()
