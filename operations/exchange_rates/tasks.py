"""The Celery task that fetches exchange rates, and its end with the worker. Messages contain its name, so it must not
change."""

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from operations.exchange_rates.background import fetcher


@shared_task(name="operations.tasks.fetch_rates", ignore_result=True)
def fetch_rates() -> None:
    """Starts fetching on a separate thread."""
    fetcher.start()


# For children of the prefork pool, and for pools that run tasks in the worker process: see `postbacks.tasks`.
worker_process_shutdown.connect(lambda **_: fetcher.stop(), weak=False)
worker_shutdown.connect(lambda **_: fetcher.stop(), weak=False)
