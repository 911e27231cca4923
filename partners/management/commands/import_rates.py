"""`manage.py import_rates`: exchange rates from a CSV file."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from commands.base import Command as BaseCommand
from partners.rate_files import UnreadableRatesError, read_rates, take_rates


class Command(BaseCommand):
    help = (
        "Add exchange rates from a CSV file with the columns date,from,to,rate, such as 2026-11-20,EUR,USD,1.0850. "
        "A pair's rate of a day that is known already is replaced. All lines are taken, or none."
    )
    json_keys = {
        "added": "new rates",
        "changed": "rates with another value than before",
        "unchanged": "rates that were there",
    }
    fails_if = "the file cannot be read, or a line is not valid"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, in UTF-8, or - for standard input")

    def handle(self, *, file: str, **_: object) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            taken = take_rates(read_rates(text.splitlines(keepends=True)))
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8. Nothing was changed.") from error
        except UnreadableRatesError as error:
            raise CommandError(f"{file}:\n{error}\nNothing was changed.") from error
        told = {"added": taken.added, "changed": taken.changed, "unchanged": taken.unchanged}
        self.report(told, f"{taken.added} added, {taken.changed} changed, {taken.unchanged} unchanged.")
