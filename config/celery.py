"""The Celery app. Tasks say "there is work" and carry no data; see `postbacks.tasks`."""

import os

from celery import Celery
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# When a connection ends, kombu would put unacknowledged messages back. Ours need it not, the sweep knows all; and after
# a restart of Redis it fails there, which ends the worker (it reads the host of a connection that it has dropped).
redis.Channel.do_restore = False

app = Celery("postbacks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
