"""`manage.py fetch_rates`: the daily exchange rates of the European Central Bank."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

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

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=_day, help="The rates of this day only, of the last 90.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be stored, and store nothing.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON, with each rate.")

    def handle(self, *, day: date | None, dry_run: bool, as_json: bool, **_: Any) -> None:
        try:
            fetched = fetch(day, dry_run=dry_run)
        except FetchError as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        if as_json:
            self.stdout.write(json.dumps(to_json(fetched), indent=2))
            return
        lines = in_words(fetched)
        self.stdout.write(f"Would add: {lines[0]}" if dry_run and fetched.taken.added else lines[0])
        for line in lines[1:]:
            self.stderr.write(self.style.WARNING(line))
