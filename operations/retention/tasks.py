"""The Celery task that prunes, and its end with the worker. Messages contain its name, so it must not change."""

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from operations.retention.background import pruner


@shared_task(name="postbacks.tasks.prune", ignore_result=True)
def prune() -> None:
    """Starts pruning on a separate thread."""
    pruner.start()


# For children of the prefork pool, and for pools that run tasks in the worker process: see `postbacks.tasks`.
worker_process_shutdown.connect(lambda **_: pruner.stop(), weak=False)
worker_shutdown.connect(lambda **_: pruner.stop(), weak=False)
