"""Whether the exchange rates that are fetched are those of the last days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from django.conf import settings

from operations.asking import Asker
from operations.doctor.finding import Finding, fine, warning
from operations.exchange_rates.fetch import today

SHOWN = 5
FEED = """
SELECT (SELECT max(date) FROM partners_exchangerate WHERE source = 'ecb'),
       coalesce((SELECT error FROM partners_ratefeed), '')
"""
HELD = "SELECT currency, date, published FROM partners_heldrate WHERE declined_at IS NULL ORDER BY date, currency"


def look_at_exchange_rates(asker: Asker) -> Iterator[Finding]:
    """Says nothing where none are fetched and none are held."""
    ((newest, error),) = asker.ask(FEED)
    held = [f"{currency} {published} of {day}" for currency, day, published in asker.ask(HELD)]
    yield from judge_exchange_rates(newest, str(error), held, today())


def judge_exchange_rates(newest: date | None, error: str, held: Sequence[str], now: date) -> Iterator[Finding]:
    """`newest` is the day of the latest fetched rates, `error` what went wrong at the last try."""
    if settings.EXCHANGE_RATES == "ecb":
        said = f" The last try: {error}" if error else ""
        if newest is None:
            yield warning(
                f"No exchange rate has been fetched yet.{said}",
                "Run `manage.py fetch_rates`. Workers and beat fetch them each hour.",
            )
        elif (now - newest).days > settings.EXCHANGE_RATES_LATE_DAYS:
            yield warning(
                f"The latest exchange rates are those of {newest}, {(now - newest).days} days old; they are used for "
                f"{settings.EXCHANGE_RATES_USED_DAYS} days.{said}",
                "Run `manage.py fetch_rates`, which says why; until it works, type rates under Settings → Exchange "
                "rates.",
            )
        elif error:
            yield warning(f"Exchange rates are those of {newest}.{said}", "It is tried again each hour.")
        else:
            yield fine(f"Exchange rates are those of {newest}.")
    if held:
        more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
        yield warning(
            f"Published exchange rates wait to be accepted: {', '.join(held[:SHOWN])}{more}. Those before stay in "
            "force.",
            "Compare them with another source, then accept or decline them under Settings → Rates to accept.",
        )
