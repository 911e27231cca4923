"""Client certificates that end soon: told once 30 days before, once 7 days before, and once when they have ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from notices.events import Event
from notices.telling import News, tell
from notices.watching.health import of_postback
from postbacks.credentials.asking.certificates import ENDS_SOON, ends_at
from postbacks.models import Postback

# The first that holds is told. Each is told once, by the key of its news.
_STEPS: Final = ((timedelta(0), "ended"), (timedelta(days=7), "ends within 7 days"), (ENDS_SOON, "ends within 30 days"))


def tell_of_certificates(now: datetime) -> None:
    shown = Postback.objects.existing().exclude(client_certificate="")
    rows = shown.select_related("partner", "media_source", "action_tracker").order_by("pk")
    tell(*filter(None, (_news(postback, now) for postback in rows.iterator())))


def _news(postback: Postback, now: datetime) -> News | None:
    end = ends_at(postback.client_certificate)
    word = None if end is None else next((word for before, word in _STEPS if end - now <= before), None)
    if end is None or word is None:
        return None
    text = (
        f"The client certificate that the postback “{postback}” shows its receiver {word}: at {end:%Y-%m-%d %H:%M} "
        "UTC. From then on the receiver refuses it. Put a new one, with its key, into the postback's form."
    )
    return of_postback(Event.CERTIFICATE, end, postback, f"Certificate {word}", text)
