"""The engine's Redis client: short timeouts, so that an outage delays a caller by seconds, not minutes."""

from redis import Redis

from stores.redis_url import redis_client

TIMEOUT_SECONDS = 2

# It connects on first use, and again in a forked process.
client: Redis = redis_client(
    socket_timeout=TIMEOUT_SECONDS,
    socket_connect_timeout=TIMEOUT_SECONDS,
    health_check_interval=30,
)
