"""Which deliveries of the log are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner, Program
from postbacks.models import Postback


class Time(StrEnum):
    """Which time `since` and `until` are compared with, and so what the log lists in which order."""

    MADE = "made"  # Deliveries, when they were made.
    ENDED = "ended"  # Deliveries, when they were delivered, failed or cancelled.
    ATTEMPTED = "attempted"  # Attempts, when their result was recorded.


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters; None and empty ones filter nothing. `until` is exclusive.

    `retrying` wants those that wait after a failed attempt. `statuses` are the lowest and the highest status of an
    answer; `why` is a code of `postbacks.metrics.reasons`, or `counted.ANY_FAILURE`. Both are of attempts, so with
    either the log lists attempts, whatever the time. With `not_resent`, what has a newer delivery of the same event is
    left out. With `programs`, neither the postback nor the action is of another
    one.
    """

    search: str = ""
    states: tuple[str, ...] = ()
    retrying: bool = False
    statuses: tuple[int, int] | None = None
    why: str = ""
    partner: Partner | None = None
    network: MediaSource | None = None
    program: Program | None = None
    event_type: ActionTracker | None = None
    postback: int | None = None
    replay: int | None = None
    programs: frozenset[int] | None = None
    not_resent: bool = False
    time: Time = Time.MADE
    since: datetime | None = None
    until: datetime | None = None

    @property
    def of_some_postbacks(self) -> bool:
        of_some = (self.partner, self.network, self.program, self.event_type)
        return any(of_some) or self.postback is not None or self.programs is not None

    def postbacks(self) -> QuerySet[Postback]:
        """The postbacks of the given owner, program and event type. Deleted ones are among them: their deliveries
        still exist."""
        rows = Postback.objects.all()
        if self.partner:
            rows = rows.filter(partner=self.partner)
        if self.network:
            rows = rows.filter(media_source=self.network)
        if self.program:
            rows = rows.filter(action_tracker__program=self.program)
        if self.event_type:
            rows = rows.filter(action_tracker=self.event_type)
        if self.postback is not None:
            rows = rows.filter(pk=self.postback)
        if self.programs is not None:
            rows = rows.filter(action_tracker__program__in=self.programs)
        return rows
