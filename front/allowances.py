"""How many requests a token may still make in this second, counted in small shares of what it may make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from actions.api.rate import Allowance

# Of what a token may make in a second. As much may stay unused where several processes count, and for each share Redis
# is asked once.
SHARE: Final = 1 / 50
_MOST: Final = 1_000

Book = Callable[[int, int], Awaitable[int]]
"""Counts so many requests of this token; how many there are then in this second, 0 if nobody knows."""


@dataclass(slots=True)
class _Share:
    second: int
    used: int | None  # Of all processes, up to the last request here; None if nobody knows.
    left: int  # Counted already, and not made.


class Allowances:
    """What one process counts."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._shares: dict[int, _Share] = {}
        self._asking: dict[int, asyncio.Future[None]] = {}

    def at_once(self, token_id: int, limit: int, now: float) -> Allowance | None:
        """Count one request of the token, if nobody needs to be asked for that."""
        share = self._shares.get(token_id)
        if share is None or share.second < int(now) or not share.left:
            return None
        share.left -= 1
        if share.used is None:  # Without Redis nobody is turned back.
            return Allowance(limit, 0)
        share.used += 1
        return Allowance(limit, share.used)

    async def count(self, token_id: int, limit: int, now: float) -> Allowance:
        """Count one request of the token, which may make `limit` in a second."""
        while True:
            counted = self.at_once(token_id, limit, now)
            if counted is not None:
                return counted
            # Those that come together share one share.
            asking = self._asking.get(token_id)
            if asking is None:
                asking = self._asking[token_id] = asyncio.ensure_future(self._ask(token_id, limit, int(now)))
                asking.add_done_callback(lambda _: self._asking.pop(token_id, None))
            await asyncio.shield(asking)

    async def _ask(self, token_id: int, limit: int, second: int) -> None:
        number = max(int(limit * SHARE), 1)
        used = await self._book(token_id, number)
        if len(self._shares) >= _MOST:
            self._shares.clear()
        self._shares[token_id] = _Share(second, used - number if used else None, number)
