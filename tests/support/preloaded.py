"""What a process imports before programs are forked from it. See `fork_server`."""

import gc
import importlib
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
for name in (
    "config.urls",
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.concurrency.prefork",
):
    importlib.import_module(name)
gc.freeze()  # So that programs share these pages: looking for garbage would write to each of them.
