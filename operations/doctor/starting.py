"""What a worker says as it starts on a database that was restored and not made safe: it sends what waits there."""

from __future__ import annotations

import logging

import psycopg2

from operations.asking import Asker
from operations.doctor.restored import look_for_a_restore

logger = logging.getLogger(__name__)

SECONDS = 3.0  # A database that is away or hangs must not keep a worker from starting.


def warn_of_a_restore() -> None:
    """Logs what the doctor would say. It does not stop the worker: a failover looks the same."""
    try:
        with Asker(SECONDS) as asker:
            for finding in look_for_a_restore(asker):
                logger.warning("%s %s", finding.what, finding.fix)
    except psycopg2.Error:
        return  # The worker says so itself.
