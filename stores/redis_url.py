"""Clients of the Redis that REDIS_URL names."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from redis import Redis


def redis_client(**options: Any) -> Redis:
    """A client; it connects at its first command, and again in a forked process."""
    return Redis.from_url(settings.REDIS_URL, **options)
