"""How many requests a token may make in a second. Redis counts; while it is away nobody is turned back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 0.1  # A caller waits for the count, so it is no reason to wait long.
PAUSE_SECONDS = 5.0  # After an error Redis is left alone, so that an outage does not slow every request down.
KEPT_SECONDS = 5  # Of a counter; longer than its second, for clocks that differ a little.

_redis: Redis = Redis.from_url(
    settings.REDIS_URL,
    socket_timeout=TIMEOUT_SECONDS,
    socket_connect_timeout=TIMEOUT_SECONDS,
    retry=Retry(NoBackoff(), 0),
)
_asked_again_at = 0.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token may still do in this second."""

    limit: int
    used: int
    resets_in_seconds: int = 1

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "X-RateLimit-Reset": str(self.resets_in_seconds),
        }


def count(token_id: int) -> Allowance:
    """Count one request of the token."""
    global _asked_again_at  # noqa: PLW0603 -- one state a process: whether Redis answers
    limit: int = settings.API_REQUESTS_PER_SECOND
    if time.monotonic() < _asked_again_at:
        return Allowance(limit, 0)
    key = f"api:requests:{token_id}:{int(time.time())}"
    try:
        with _redis.pipeline(transaction=False) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, KEPT_SECONDS)
            used, _ = pipeline.execute()
    except RedisError:
        _asked_again_at = time.monotonic() + PAUSE_SECONDS
        return Allowance(limit, 0)
    return Allowance(limit, int(used))
