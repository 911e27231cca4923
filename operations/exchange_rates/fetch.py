"""Asks for the day's rates, and for those of days that were missed, and stores them. What fails changes no rate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from partners.published_rates.document import Sheet, UnreadableDocumentError, read_document
from partners.published_rates.taking import Taken, lock_feed, newest_day, take
from postbacks.egress.client import ask
from postbacks.egress.failures import Failure

logger = logging.getLogger(__name__)

FRANKFURT: Final = ZoneInfo("Europe/Berlin")  # Where the bank's days begin.


class FetchError(Exception):
    """Nothing was stored. The text says in a sentence where and why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`notes` are sentences about what did not go as expected, though something could be stored."""

    taken: Taken
    notes: list[str] = field(default_factory=list)


def today() -> date:
    """The bank's day."""
    return timezone.now().astimezone(FRANKFURT).date()


def is_up_to_date() -> bool:
    """Whether the newest rates that there can be are stored, and no day between was missed."""
    with transaction.atomic():
        feed = lock_feed()
    newest = newest_day()
    return newest is not None and newest >= today() and (feed.whole_until or newest) >= newest


def fetch(day: date | None = None, *, dry_run: bool = False) -> Fetched:
    """Fetch the latest rates and fill gaps before them, or fetch those of one `day`; with `dry_run`, store nothing.

    Raises:
        FetchError: the documents cannot be had, or are not what they should be. It is noted for the doctor.
    """
    try:
        fetched = _of_day(day, dry_run) if day else _latest(dry_run)
    except FetchError as error:
        if not dry_run:
            _note(timezone.now(), str(error))
        raise
    if not dry_run:
        _note(timezone.now(), " ".join(fetched.notes))
    return fetched


def _latest(dry_run: bool) -> Fetched:
    sheet = _newest(settings.EXCHANGE_RATES_URL)
    newest = newest_day()
    if newest is not None and sheet.day < newest:
        raise FetchError(
            f"{settings.EXCHANGE_RATES_URL}: its rates are those of {sheet.day}, but those of {newest} are stored. "
            "Something on the way has kept an old document."
        )
    with transaction.atomic():
        whole_until = lock_feed().whole_until
    sheets, notes = [sheet], []
    whole = True
    if _is_gap(whole_until, sheet.day):
        try:
            earlier = _documents(settings.EXCHANGE_RATES_HISTORY_URL)
            sheets = [each for each in earlier if each.day < sheet.day] + sheets
        except FetchError as error:
            whole = False
            notes.append(f"Days before {sheet.day} are still missing: {error}")
    taken = take(sheets, settings.EXCHANGE_RATES_MOST_CHANGE_PERCENT, dry_run=dry_run)
    if whole and not dry_run:
        with transaction.atomic():
            feed = lock_feed()
            feed.whole_until = max(sheet.day, feed.whole_until or sheet.day)
            feed.save(update_fields=["whole_until"])
    return Fetched(taken, notes)


def _of_day(day: date, dry_run: bool) -> Fetched:
    sheets = [each for each in _documents(settings.EXCHANGE_RATES_URL) if each.day == day]
    if not sheets:
        sheets = [each for each in _documents(settings.EXCHANGE_RATES_HISTORY_URL) if each.day == day]
    if not sheets:
        raise FetchError(
            f"No rates are published for {day}: there are none for weekends and bank holidays, and the document of "
            f"earlier days ({settings.EXCHANGE_RATES_HISTORY_URL}) goes back about 90 days."
        )
    return Fetched(take(sheets, settings.EXCHANGE_RATES_MOST_CHANGE_PERCENT, dry_run=dry_run))


def _is_gap(whole_until: date | None, day: date) -> bool:
    """Whether a day on which rates may have been published lies between. On a bank holiday there were none: asking for
    nothing is harmless."""
    if whole_until is None:
        return True
    between = (whole_until + timedelta(days=number) for number in range(1, (day - whole_until).days))
    return any(each.weekday() < 5 for each in between)


def _newest(url: str) -> Sheet:
    return _documents(url)[-1]


def _documents(url: str) -> Sequence[Sheet]:
    answer = ask("GET", url, headers={"Accept": "application/xml, text/xml"})
    if isinstance(answer, Failure):
        raise FetchError(f"{url}: {answer.text.rstrip('.')}.")
    if 300 <= answer.status_code < 400:
        raise FetchError(
            f"{url}: answered {answer.status_code}. Redirects are not followed; set the address that it leads to."
        )
    if answer.status_code != 200:
        raise FetchError(f"{url}: answered {answer.status_code}, not 200.")
    try:
        sheets = read_document(answer.content)
    except UnreadableDocumentError as error:
        raise FetchError(f"{url}: {error}") from None
    if sheets[-1].day > today():
        raise FetchError(f"{url}: its rates are those of {sheets[-1].day}, which is in the future.")
    return sheets


def _note(now: datetime, error: str) -> None:
    with transaction.atomic():
        feed = lock_feed()
        feed.tried_at, feed.error = now, error
        feed.save(update_fields=["tried_at", "error"])
