"""How many requests a token may make in a second. Redis counts; while it is away nobody is turned back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from redis import Redis

from stores.patience import ask

KEPT_SECONDS = 5  # Of a counter; longer than its second, for clocks that differ a little.


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


def count(token_id: int | str) -> Allowance:
    """Count one request of the token. Tokens of other kinds than the account's have names for ids."""
    return Allowance(settings.API_REQUESTS_PER_SECOND, book(token_id, 1))


def book(token_id: int | str, number: int) -> int:
    """Count so many requests of the token; how many there are then in this second, 0 while Redis is away."""
    key = f"api:requests:{token_id}:{int(time.time())}"

    def counted(redis: Redis) -> int:
        with redis.pipeline(transaction=False) as pipeline:
            pipeline.incrby(key, number)
            pipeline.expire(key, KEPT_SECONDS)
            used, _ = pipeline.execute()
        return int(used)

    return ask(counted) or 0
