"""Exchange rates that are late, told once for each last day, and published ones that are held, told once each."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from notices import pages
from notices.events import Event
from notices.telling import News, tell
from partners.models import ExchangeRate, HeldRate
from partners.published_rates.taking import newest_day, waiting

_FRANKFURT: Final = ZoneInfo("Europe/Berlin")  # Where the European Central Bank's days begin.


@transaction.atomic
def tell_of_rates(now: datetime) -> None:
    """Those that were never fetched are the doctor's to tell: somebody has just set them up."""
    news = [
        News(
            Event.RATES,
            f"rate-held:{held.currency}:{held.date}",
            f"Exchange rate to accept: {held.currency}",
            f"The European Central Bank has published {held.published} {held.currency} for a euro on {held.date}. "
            f"{held.reason} The rate before stays in force until you accept it.",
            pages.list_of(HeldRate),
            at=held.held_at,
        )
        for held in waiting()
    ]
    newest = newest_day() if settings.EXCHANGE_RATES == "ecb" else None
    if newest is not None:
        age = (now.astimezone(_FRANKFURT).date() - newest).days
        if age > settings.EXCHANGE_RATES_LATE_DAYS:
            text = (
                f"The latest exchange rates are those of {newest}, {age} days old. After "
                f"{settings.EXCHANGE_RATES_USED_DAYS} days, reports that need one are refused. Run `manage.py "
                "fetch_rates`, which says why, or type rates."
            )
            path = pages.list_of(ExchangeRate)
            news.append(News(Event.RATES, f"rates-late:{newest}", "Exchange rates are late", text, path))
    if news:
        tell(*news)
