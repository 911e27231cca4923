"""The Celery task that prunes, and its end with the worker. Its name is in the messages, so it stays."""

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from operations.retention.background import pruner


@shared_task(name="postbacks.tasks.prune", ignore_result=True)
def prune() -> None:
    """Let what is old enough go, on a thread of its own."""
    pruner.start()


# In a child of the prefork pool, and in pools that run tasks in the worker's own process: see `postbacks.tasks`.
worker_process_shutdown.connect(lambda **_: pruner.stop(), weak=False)
worker_shutdown.connect(lambda **_: pruner.stop(), weak=False)
