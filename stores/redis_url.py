"""Clients of the Redis that REDIS_URL names."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from redis import Redis
from redis.sentinel import Sentinel

from stores import sentinel

_SENTINEL_SECONDS = 0.5  # One that hangs costs this, and the next one is asked.


def redis_client(**options: Any) -> Redis:
    """A client; it connects at its first command, and again in a forked process.

    Behind Sentinels, each new connection asks them which Redis is the primary, so that after a failover the commands
    that fail are those of the connections that were open.
    """
    url = settings.REDIS_URL
    if not sentinel.is_sentinel(url):
        return Redis.from_url(url, **options)
    place = sentinel.read(url)
    hosts = [(host.strip("[]"), port) for host, port in place.hosts]
    sentinels: Any = Sentinel  # Without types.
    watched = sentinels(hosts, sentinel_kwargs=place.of_sentinels(_SENTINEL_SECONDS))
    client: Redis = watched.master_for(place.service, **place.of_redis(), **options)
    return client
