"""When beat posts a task that runs every few seconds: always at the same place of the interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from celery.schedules import schedstate, schedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Interval(schedule):
    """Every so many seconds, by the clock, and `place` seconds after that.

    Celery's own counts from the last time, which comes later and later, until tasks that began apart are due together.
    """

    def __init__(self, seconds: float, *, place: float = 0.0) -> None:
        self._every = timedelta(seconds=seconds)
        super().__init__(self._every)
        self._place = timedelta(seconds=place)

    def __reduce__(self) -> tuple[object, ...]:
        """For copies; Celery's own would give them other arguments."""
        return partial(type(self), place=self._place.total_seconds()), (self._every.total_seconds(),)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether the present interval's time has come since then, and the seconds until the next one's."""
        now = self.now()
        passed = (now - _EPOCH - self._place) % self._every
        return schedstate(last_run_at < now - passed, (self._every - passed).total_seconds())
