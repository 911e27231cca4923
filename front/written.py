"""Tokens that report, noted for those who read from a replica of the database; without one, nothing is noted."""

from __future__ import annotations

import asyncio

from django.conf import settings

from front.threads import Lane
from stores.replica import ALIAS, marks

_MOST = 1_000


class Written:
    """The tokens of one process that have reported a moment ago."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._until: dict[str, float] = {}

    @property
    def is_on(self) -> bool:
        """Whether anybody reads from a replica."""
        return ALIAS in settings.DATABASES

    async def note(self, credentials: str) -> None:
        """Notes that the token has reported, seldom enough to cost nothing: a mark is good for twice as long."""
        if not self.is_on:
            return
        now = asyncio.get_running_loop().time()
        if now < self._until.get(credentials, 0.0):
            return
        async with self._lane.thread():
            await self._lane.run(lambda: marks.note(marks.who(credentials), marks.OPEN))
        if len(self._until) >= _MOST:
            self._until.clear()
        self._until[credentials] = now + marks.kept_seconds() / 2
