"""What operators are told of."""

from __future__ import annotations

from django.db import models


class Event(models.TextChoices):
    """The labels are the words of the screens; the values are stored, and webhooks carry them."""

    HELD = "held", "Held"
    RELEASED = "released", "Released"
    PAUSED = "paused", "Paused itself"
    FAILING = "failing", "Failing"
    CERTIFICATE = "certificate", "Client certificate ends"
    QUIET = "quiet", "Nothing came in"
    REPLAY = "replay", "Replay ended"
    IMPORT = "import", "Import ended"
    RATES = "rates", "Exchange rates late or held"
    PROPOSAL = "proposal", "A partner proposes a change"


# What POSTBACKS_NOTICE_EMAILS has always told of.
OF_SETTINGS = (Event.HELD, Event.RELEASED, Event.PAUSED)
