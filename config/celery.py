"""The Celery app. Tasks say "there is work" and carry no data; see `postbacks.tasks`."""

import os
import signal
import sys
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import (
    beat_init,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_shutdown,
    worker_shutdown,
)
from django.db import close_old_connections

import config.broker  # noqa: F401 -- for its effect
from config import screens
from environment.alive import forget
from environment.garbage import while_loading
from environment.variables import IS_CHECKOUT
from operations import errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load all pages, and workers and beat have none. `manage.py` makes the checks.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


class _Loader(AppLoader):
    """Loads Django and the modules of the tasks, as Celery's own does."""

    def import_default_modules(self) -> Any:
        screens.put_off()
        with while_loading():
            return super().import_default_modules()


_path = list(sys.path)
app = Celery("postbacks", loader="config.celery:_Loader")
if not IS_CHECKOUT:
    # Celery puts the current folder first, for Django's settings. Ours are installed; that folder is the operator's.
    sys.path[:] = _path
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    ["operations.retention", "operations.exchange_rates", "notices"]
)  # First: their threads end before the engine, which takes longer.
app.autodiscover_tasks()  # In each app.

beat_init.connect(lambda **_: errors.start("beat"), weak=False)
task_prerun.connect(lambda **_: close_old_connections(), weak=False)
task_postrun.connect(lambda **_: close_old_connections(), weak=False)


@worker_init.connect
def _begin(**_: object) -> None:
    """What children inherit. All tasks are known by now, so that the engine ends before the last errors are sent."""
    forget("worker")
    errors.start("worker")
    worker_process_shutdown.connect(lambda **_: errors.stop(), weak=False)
    worker_shutdown.connect(lambda **_: errors.stop(), weak=False)


@worker_init.connect
def _warn(**_: object) -> None:
    from operations.doctor.starting import warn_of_a_restore  # noqa: PLC0415 -- only workers need it

    warn_of_a_restore()


@beat_init.connect
def _end_at_once(**_: object) -> None:
    """Ends beat at once: it has nothing to save. Celery's own handler closes the broker's connection during a request,
    whose error then hides the order to stop, so that beat keeps running."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
