"""Prunes inside a worker, on a thread of its own, for most of an hour."""

from __future__ import annotations

import logging
import threading

import psycopg2

from environment.background import Background
from operations.retention.prune import BusyError, prune

logger = logging.getLogger(__name__)

# The task comes every hour of the night; a run ends before the next one begins.
FOR_SECONDS = 55 * 60


def _prune(stopping: threading.Event) -> None:
    """Stops after the current batch; the rest waits for the next run."""
    try:
        result = prune(seconds=FOR_SECONDS, pause=stopping.wait)
    except BusyError:
        pass
    except psycopg2.Error as error:
        logger.warning("Pruning was cut short (%s); it continues in an hour.", str(error).strip())
    except Exception:
        logger.exception("Unexpected error while pruning; it continues in an hour.")
    else:
        if any(result.gone.values()):
            told = ", ".join(f"{name} {number:,}" for name, number in result.gone.items() if number)
            logger.info("Pruned: %s%s.", told, "" if result.whole else "; more remains for the next hour")


pruner = Background("postbacks-pruner", _prune)
