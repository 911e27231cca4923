"""The engine's Redis client: short timeouts, so that an outage costs a caller a moment and not a minute."""

from django.conf import settings
from redis import Redis

TIMEOUT_SECONDS = 2

# Connections are made on first use, and again in a forked process.
client: Redis = Redis.from_url(
    settings.REDIS_URL,
    socket_timeout=TIMEOUT_SECONDS,
    socket_connect_timeout=TIMEOUT_SECONDS,
    health_check_interval=30,
)
