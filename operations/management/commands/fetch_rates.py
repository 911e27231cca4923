"""`manage.py fetch_rates`: the daily exchange rates of the European Central Bank."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser

from commands.base import Command as BaseCommand
from operations.exchange_rates.fetch import FetchError, fetch
from operations.exchange_rates.words import in_words, to_json


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write one such as 2026-11-20.") from None


class Command(BaseCommand):
    help = (
        "Fetch the exchange rates that the European Central Bank has published last, with those of days that were "
        "missed. Run it as often as you like: what is stored stays as it is. EXCHANGE_RATES=ecb does this each hour."
    )

    json_keys = {
        "days": "list of {day, added: rates by currency, as published, missing, new_currencies}",
        "held": "list of {day, currency, published, reason}: rates that somebody must accept",
        "notes": "what else is to be looked at, in sentences",
    }
    fails_if = "the rates could not be fetched, or are not what was asked for; nothing was changed"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=_day, help="The rates of this day only, of the last 90.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be stored, and store nothing.")

    def handle(self, *, day: date | None, dry_run: bool, **_: Any) -> None:
        try:
            fetched = fetch(day, dry_run=dry_run)
        except FetchError as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        first, *others = in_words(fetched)
        self.report(to_json(fetched), f"Would add: {first}" if dry_run and fetched.taken.added else first)
        if not self.as_json:
            for line in others:
                self.stderr.write(self.style.WARNING(line))
