"""Tokens as they were a moment ago, so that a report need not ask for its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from actions.models import ApiToken

# For so long a token may be used on after it was revoked or narrowed.
KNOWN_SECONDS: Final = 1.0
_MOST: Final = 1_000

Find = Callable[[str, str], Awaitable[ApiToken | None]]


@dataclass(frozen=True, slots=True)
class _Known:
    token: ApiToken
    until: float


class KnownTokens:
    """The tokens of one process, by the account's SID and the text that they were shown with."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._known: dict[tuple[str, str], _Known] = {}
        self._asked: dict[tuple[str, str], asyncio.Future[ApiToken | None]] = {}

    def known(self, shown: tuple[str, str]) -> ApiToken | None:
        """The token that these show, if nobody needs to be asked for it."""
        known = self._known.get(shown)
        return known.token if known is not None and time.monotonic() < known.until else None

    async def of(self, account_sid: str, text: str) -> ApiToken | None:
        """The token, if it was in force a moment ago. What is no token is asked for each time."""
        now, shown = time.monotonic(), (account_sid, text)
        known = self.known(shown)
        if known is not None:
            return known
        asked = self._asked.get(shown)
        if asked is None:
            asked = self._asked[shown] = asyncio.ensure_future(self._find(account_sid, text))
            asked.add_done_callback(lambda _: self._asked.pop(shown, None))
        token = await asyncio.shield(asked)
        if token is None:
            self._known.pop(shown, None)
        else:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[shown] = _Known(token, now + KNOWN_SECONDS)  # As it was when it was asked for, or later.
        return token
