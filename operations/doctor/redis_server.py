"""Redis: reachable, recent enough, writable, and not configured to drop messages silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from operations.advice import REDIS, fix_of
from operations.doctor.clocks import skew
from operations.doctor.finding import Finding, fine, warning, wrong
from operations.redis_client import quick_client

SECONDS = 3.0
OLDEST_VERSION = (6, 2)
NEARLY_FULL = 0.8


def look_at_redis() -> Iterator[Finding]:
    """Yields every finding; an outage is one of them."""
    client = quick_client(SECONDS)
    try:
        info: dict[str, Any] = client.info()
        yield from judge_info(info)
        client.set("postbacks:probe", 1, ex=60)
        yield from skew("Redis server", lambda: _seconds(client))
    except RedisError as error:
        said = " ".join(str(error).split())
        fix = fix_of(error, REDIS, "Check that it runs and that REDIS_URL is correct.")
        yield wrong(f"Redis cannot be used: {said}", fix)
    finally:
        client.close()


def judge_info(info: dict[str, Any]) -> Iterator[Finding]:
    """Judges what Redis says about itself (INFO); some hosted services omit half of it."""
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VERSION:
        yield wrong(f"Redis {version} is too old.", "Use Redis 6.2 or later, or Valkey.")
    else:
        # In Valkey, `redis_version` is only the version it is compatible with.
        name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {version}"
        yield fine(f"{name} answers.")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield wrong(
            f"Redis may evict keys when its memory is full (maxmemory-policy {policy}).",
            "Set `maxmemory-policy noeviction`, and keep caches in another Redis: eviction loses messages and pacing.",
        )
    most, used = info.get("maxmemory", 0), info.get("used_memory", 0)
    if most and used > NEARLY_FULL * most:
        yield warning(
            f"Redis has used {used / most:.0%} of its memory ({used >> 20} of {most >> 20} MB).",
            "Raise maxmemory, or check what else it stores.",
        )
    for key, what in (("rdb_last_bgsave_status", "snapshot"), ("aof_last_write_status", "append-only file")):
        if info.get(key, "ok") != "ok":
            yield wrong(
                f"Redis could not write its {what}; it may refuse writes until it can.",
                "Check its log and the free space on its disk.",
            )


def _seconds(client: Redis) -> float:
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
