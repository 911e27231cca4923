"""A client of Redis that gives up soon, for those who look whether it answers."""

from __future__ import annotations

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stores.redis_url import redis_client


def quick_client(seconds: float) -> Redis:
    """A new client, which tries once; close it after use. It connects at the first command."""
    return redis_client(socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0))
