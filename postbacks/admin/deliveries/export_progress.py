"""How far an export is: its request writes it to Redis, another one reads it for the page that started it."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from postbacks.delivery.redis import client

logger = logging.getLogger(__name__)

_KEPT_SECONDS: Final = 3_600
_TOKEN: Final = re.compile(r"[a-z0-9-]{8,64}")
_EVERY_SECONDS: Final = 0.5


class Progress:
    """Of one export of one user. `token` was made up by the page; without a valid one nothing is kept."""

    def __init__(self, user: Any, token: str) -> None:
        self._key = f"postbacks:export:{user.pk}:{token}" if _TOKEN.fullmatch(token) else None
        self._told_at = 0.0

    def tell(self, rows: int, total: int | None, state: str = "running") -> None:
        """`state` is running, done or broken; while it runs, only now and then. Without Redis, nothing is told."""
        now = time.monotonic()
        if self._key is None or (state == "running" and now - self._told_at < _EVERY_SECONDS):
            return
        self._told_at = now
        try:
            client.set(self._key, orjson.dumps({"rows": rows, "total": total, "state": state}), ex=_KEPT_SECONDS)
        except RedisError as error:
            logger.warning("The progress of an export cannot be shown (%s).", error)

    def read(self) -> dict[str, Any]:
        """What was told last; the state `unknown` if nothing was."""
        try:
            told: Any = client.get(self._key) if self._key is not None else None
        except RedisError:
            told = None
        found: dict[str, Any] = orjson.loads(told) if told else {"rows": 0, "total": None, "state": "unknown"}
        return found
