"""What a worker process does beside its tasks."""

from __future__ import annotations

import gc

from celery.signals import worker_process_init

import postbacks.tasks  # noqa: F401 -- it connects the signal


def test_collections_pass_over_what_was_imported_before_the_fork() -> None:
    before = gc.get_freeze_count()
    modules = len(gc.get_objects())
    try:
        worker_process_init.send(sender=None)
        assert gc.get_freeze_count() - before >= modules / 2
        assert len(gc.get_objects()) < modules / 2
    finally:
        gc.unfreeze()
