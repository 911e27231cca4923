"""Kombu's transport for Redis as the broker, where Redis hangs, refuses to write, restarts or fails over.

Importing this module changes the transport for the whole process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kombu.transport import redis, virtual
from redis.exceptions import ResponseError

# Redis may answer and yet refuse to write: its memory or its disk is full, it became a replica, it misses its own. A
# short-lived key shows it, because deleting needs no memory and reading no disk.
WRITABLE = "postbacks:writable"
_WRITABLE_FOR_MS = 1_000


class QoS(redis.QoS):
    """Forgets a message that is done with even if Redis cannot be told.

    kombu forgets it only after Redis has answered. One that is not forgotten counts against the prefetch limit for
    good, and a worker whose limit is used up takes no message any more. What Redis still holds of such a message comes
    back after the visibility timeout; taking it twice changes nothing.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            self._forget(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            self._forget(delivery_tag)

    def _forget(self, delivery_tag: str) -> None:
        virtual.QoS.ack(self, delivery_tag)  # Only in memory; a second time it changes nothing.


class _Careful:
    """Takes no connection to a Redis that refuses to write, so that the caller waits until it writes again."""

    # When a connection ends, kombu would put unacknowledged messages back. We do not need that, thanks to the sweep;
    # and after a restart of Redis it fails, which ends the worker (it reads the host of a connection that it has
    # dropped).
    do_restore = False
    client: Any
    close: Callable[[], None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        try:
            self.client.set(WRITABLE, 1, px=_WRITABLE_FOR_MS)
        except Exception:
            self.close()
            raise


class Channel(_Careful, redis.Channel):
    QoS = QoS


class SentinelChannel(_Careful, redis.SentinelChannel):
    QoS = QoS


redis.Transport.Channel = Channel
redis.SentinelTransport.Channel = SentinelChannel
# For kombu, a refusal is a mistake of the program, and ends the worker. Here it is an outage: connect again, later.
redis.Transport.connection_errors = (*redis.Transport.connection_errors, ResponseError)
