"""What a worker process does beside its tasks."""

from __future__ import annotations

import gc

import pytest
from celery.signals import worker_process_init

from postbacks import tasks
from postbacks.delivery.capacity import MAX_CLAIMED


def test_a_process_starts_its_engine_and_passes_over_what_was_imported_before_the_fork(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []
    monkeypatch.setattr(tasks, "engine", lambda: started.append("engine"))
    before = gc.get_freeze_count()
    modules = len(gc.get_objects())
    thresholds = gc.get_threshold()
    gc.set_threshold(700)
    try:
        worker_process_init.send(sender=None)
        assert gc.get_freeze_count() - before >= modules / 2
        assert len(gc.get_objects()) < modules / 2
        assert gc.get_threshold()[0] > MAX_CLAIMED, "what is on its way comes and goes without a search"
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    assert started == ["engine"]
