"""Which broker carries Celery's messages, and how Celery is to use it. The settings import it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from stores import sentinel


class Broker(Enum):
    """A broker, by the name that people know it by."""

    REDIS = "Redis"
    RABBITMQ = "RabbitMQ"
    SQS = "Amazon SQS"


_BY_SCHEME: Final = {
    "redis": Broker.REDIS,
    "rediss": Broker.REDIS,
    "redis+socket": Broker.REDIS,
    "unix": Broker.REDIS,
    sentinel.SCHEME: Broker.REDIS,
    sentinel.TLS_SCHEME: Broker.REDIS,
    "amqp": Broker.RABBITMQ,
    "amqps": Broker.RABBITMQ,
    "sqs": Broker.SQS,
}
VARIABLE: Final = "CELERY_BROKER_URL"

# A connection that does not come about in this time delays the commit of a report no longer.
CONNECT_SECONDS: Final = 2
ANSWER_SECONDS: Final = 5
# A message taken by a worker that died comes back after this long. It may be late: the sweep needs no message. And
# longer than the countdown of any message: one that waits in a worker would be delivered to another one too.
_BACK_AFTER_SECONDS: Final = 600
# How long a question to SQS for messages waits for one: each costs money.
_SQS_WAITS_SECONDS: Final = 10


def broker_of(url: str) -> Broker:
    """The broker of a URL. Raises ValueError, with what to write, for one that is not supported."""
    scheme = sentinel.scheme_of(url)
    if scheme not in _BY_SCHEME:
        known = ", ".join(f"{each}://" for each in _BY_SCHEME)
        raise ValueError(f"{VARIABLE} begins with {scheme}://, which is not supported. Begin it with one of {known}.")
    return _BY_SCHEME[scheme]


def celery_settings(url: str, *, quorum: bool) -> dict[str, Any]:
    """Celery's settings for the broker at this URL. Raises ValueError as `broker_of` does."""
    return {
        Broker.REDIS: lambda: _redis(url),
        Broker.RABBITMQ: lambda: _rabbitmq(url, quorum=quorum),
        Broker.SQS: lambda: _sqs(url),
    }[broker_of(url)]()


def _redis(url: str) -> dict[str, Any]:
    options = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "visibility_timeout": _BACK_AFTER_SECONDS,
    }
    if url.startswith("unix:"):  # Celery has other words for a socket.
        url = f"redis+socket:{url.removeprefix('unix:')}".replace("?db=", "?virtual_host=")
    if not sentinel.is_sentinel(url):
        return {"CELERY_BROKER_URL": url, "CELERY_BROKER_TRANSPORT_OPTIONS": options}
    place = sentinel.read(url)
    return {
        "CELERY_BROKER_URL": place.celery_url(),
        "CELERY_BROKER_USE_SSL": place.tls or None,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            **options,
            "master_name": place.service,
            "sentinel_kwargs": place.of_sentinels(CONNECT_SECONDS),
        },
    }


def _rabbitmq(url: str, *, quorum: bool) -> dict[str, Any]:
    # No confirmation is waited for: a message that is lost costs a second, until the sweep.
    settings: dict[str, Any] = {
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_CONNECTION_TIMEOUT": CONNECT_SECONDS,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS},
    }
    if quorum:
        # Under names of their own, as a queue cannot change its kind. Celery leaves countdowns to RabbitMQ then, by an
        # exchange of this type.
        settings |= {
            "CELERY_TASK_DEFAULT_QUEUE": "postbacks.quorum",
            "CELERY_TASK_DEFAULT_QUEUE_TYPE": "quorum",
            "CELERY_TASK_DEFAULT_EXCHANGE_TYPE": "topic",
        }
    return settings


def _sqs(url: str) -> dict[str, Any]:
    return {
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "visibility_timeout": _BACK_AFTER_SECONDS,
            "wait_time_seconds": _SQS_WAITS_SECONDS,
            "polling_interval": 0,
        },
        # It has no messages to all workers, so `celery inspect` and Flower's buttons find none.
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,
    }
