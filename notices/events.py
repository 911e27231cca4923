"""What operators are told of."""

from __future__ import annotations

from django.db import models


class Event(models.TextChoices):
    """The labels are the words of the screens; the values are stored, and webhooks carry them."""

    HELD = "held", "Held: a destination is down"
    RELEASED = "released", "Released: it answers again"
    PAUSED = "paused", "Paused itself: it answered 410 Gone"
    FAILING = "failing", "Failing: half of the attempts or more fail; and when that is over"
    QUIET = "quiet", "Nothing came in for a program; and when conversions come again"
    REPLAY = "replay", "Replay ended"
    IMPORT = "import", "Import ended"

    @property
    def short(self) -> str:
        """The label up to its colon or semicolon."""
        return str(self.label).partition(":")[0].partition(";")[0]


# What POSTBACKS_NOTICE_EMAILS has always told of.
OF_SETTINGS = (Event.HELD, Event.RELEASED, Event.PAUSED)
