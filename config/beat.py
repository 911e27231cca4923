"""Beat's scheduler: while it cannot post, it says so once and keeps trying; it outlasts a clock that is set back."""

from __future__ import annotations

import logging
from typing import Any

from celery import beat

from environment.alive import AliveFile

# Messages that nobody takes are of no use later: the next one does the work of all. Workers that keep up leave none.
MOST_WAITING = 20

logger = logging.getLogger(__name__)


class Scheduler(beat.Scheduler):
    """In memory: tasks that run every second need no stored history, and a file may be corrupt after a kill."""

    def _waiting(self) -> int:
        """How many messages no worker has taken yet. Makes the queue, where no worker has."""
        queue = self.app.amqp.queues[self.app.conf.task_default_queue]
        declared: Any = queue(self.connection.default_channel).queue_declare()
        return int(declared.message_count)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._alive = AliveFile("beat")

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Posts one task that is due; returns the seconds until the next one is.

        Celery counts from the wall clock of a task's last run. Once that clock is set back, the last run lies ahead,
        and nothing would be due until the clock is there again.
        """
        self._alive.note()
        ahead = [
            entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > entry.default_now()
        ]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self.populate_heap()
        return float(super().tick(*arguments, **options))

    _missed = 0  # Tasks that could not be posted since one last was.

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Posts a task that is due. Never raises: it is due again at its next time."""
        try:
            if self._waiting() >= MOST_WAITING:
                return
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001 -- whatever it is must not end beat, and the next time may be better
            if not self._missed:
                logger.warning("Beat cannot post its tasks (%s); it keeps trying.", error)
            self._missed += 1
        else:
            if self._missed:
                logger.warning("Beat posts its tasks again; %d of them were left out.", self._missed)
            self._missed = 0
