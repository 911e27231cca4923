"""The engine's Redis client: short timeouts, so that an outage delays a caller by seconds, not minutes."""

from django.conf import settings
from redis import Redis

TIMEOUT_SECONDS = 2

# It connects on first use, and again in a forked process.
client: Redis = Redis.from_url(
    settings.REDIS_URL,
    socket_timeout=TIMEOUT_SECONDS,
    socket_connect_timeout=TIMEOUT_SECONDS,
    health_check_interval=30,
)
