"""Which deliveries of the log are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from postbacks.models import Postback


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters; None and empty ones filter nothing. Times are of when deliveries were made, `until` exclusive.

    With `not_resent`, what has a newer delivery of the same event is left out. With `programs`, neither the postback
    nor the action is of another one.
    """

    search: str = ""
    states: tuple[str, ...] = ()
    partner: Partner | None = None
    network: MediaSource | None = None
    event_type: ActionTracker | None = None
    postback: int | None = None
    replay: int | None = None
    programs: frozenset[int] | None = None
    not_resent: bool = False
    since: datetime | None = None
    until: datetime | None = None

    @property
    def of_some_postbacks(self) -> bool:
        return any((self.partner, self.network, self.event_type, self.postback is not None, self.programs is not None))

    def postbacks(self) -> QuerySet[Postback]:
        """The postbacks of the given owner and event type, including deleted ones: their deliveries still exist."""
        rows = Postback.objects.all()
        if self.partner:
            rows = rows.filter(partner=self.partner)
        if self.network:
            rows = rows.filter(media_source=self.network)
        if self.event_type:
            rows = rows.filter(action_tracker=self.event_type)
        if self.postback is not None:
            rows = rows.filter(pk=self.postback)
        if self.programs is not None:
            rows = rows.filter(action_tracker__program__in=self.programs)
        return rows
