"""The Celery app. Tasks say "there is work" and carry no data; see `postbacks.tasks`."""

import os
import signal

from celery import Celery
from celery.signals import beat_init
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# When a connection ends, kombu would put unacknowledged messages back. Ours need it not, the sweep knows all; and after
# a restart of Redis it fails there, which ends the worker (it reads the host of a connection that it has dropped).
redis.Channel.do_restore = False

app = Celery("postbacks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["operations.retention"])  # First: its thread ends before the engine, which takes longer.
app.autodiscover_tasks()  # Of each app.


@beat_init.connect
def _end_at_once(**_: object) -> None:
    """Beat has nothing to save. Celery's own handler closes the broker's connection under the request that is being
    made; the error of that request then hides the order to stop, and beat goes on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
