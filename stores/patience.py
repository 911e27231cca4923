"""Redis, as a request asks it: a caller waits for the answer, and does without it while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from stores.redis_url import redis_client

TIMEOUT_SECONDS = 0.1  # A caller waits for the answer, so it is no reason to wait long.
PAUSE_SECONDS = 5.0  # After an error Redis is left alone, so that an outage does not slow every request down.

Answer = TypeVar("Answer")

_redis: Redis = redis_client(
    socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
)
_asked_again_at = 0.0


def ask(question: Callable[[Redis], Answer]) -> Answer | None:
    """What Redis answers to the question; None while it is away."""
    global _asked_again_at  # noqa: PLW0603 -- one state a process: whether Redis answers
    if time.monotonic() < _asked_again_at:
        return None
    try:
        return question(_redis)
    except RedisError:
        _asked_again_at = time.monotonic() + PAUSE_SECONDS
        return None
