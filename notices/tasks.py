"""The Celery task that tells operators, and its end with the worker. Messages contain its name, so it must not
change."""

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from notices.sending.background import teller


@shared_task(name="postbacks.tasks.notify", ignore_result=True)
def notify() -> None:
    """Starts a round on a separate thread."""
    teller.start()


# For children of the prefork pool, and for pools that run tasks in the worker process: see `postbacks.tasks`.
worker_process_shutdown.connect(lambda **_: teller.stop(), weak=False)
worker_shutdown.connect(lambda **_: teller.stop(), weak=False)
