"""What a broker says of itself and of our queue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from celery import Celery


@dataclass(frozen=True, slots=True)
class QueueState:
    """`workers` is how many take messages; None where the broker does not tell."""

    name: str
    version: str
    waiting: int
    workers: int | None


def queue_state(app: Celery, seconds: float) -> QueueState:
    """Asks the broker of the app; makes the queue if it is not there. Raises whatever its client raises."""
    with app.connection_for_write(connect_timeout=seconds) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=math.ceil(seconds))
        queue = app.amqp.queues[app.conf.task_default_queue]
        declared: Any = queue(connection.default_channel).queue_declare()
        properties = getattr(connection.connection, "server_properties", None)
        version = f"{properties.get('product', '')} {properties.get('version', '')}".strip() if properties else ""
        workers = int(declared.consumer_count) if properties else None
        return QueueState(queue.name, version, int(declared.message_count), workers)
