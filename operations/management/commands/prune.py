"""Remove what is older than the settings say."""

from __future__ import annotations

from typing import Any

import psycopg2
from django.core.management import BaseCommand, CommandError, CommandParser

from operations.retention.ages import Ages
from operations.retention.kinds import KINDS
from operations.retention.prune import BusyError, Result, prune


class Command(BaseCommand):
    help = "Remove what is older than the settings say. Workers do so each night; see docs/operations.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would go, and remove nothing.")
        parser.add_argument(
            "--again",
            action="store_true",
            help="Look at all rows from the beginning, also those that earlier runs were done with.",
        )
        parser.add_argument("--minutes", type=float, default=float("inf"), help="Stop after so many; default: never.")

    def handle(self, *_args: Any, **options: Any) -> None:
        ages, dry_run = Ages.from_settings(), options["dry_run"]
        try:
            result = prune(ages, dry_run=dry_run, again=options["again"], seconds=options["minutes"] * 60)
        except BusyError as busy:
            raise CommandError(f"{busy} Try again when it has ended.") from None
        except psycopg2.Error as error:
            raise CommandError(f"It was cut short: {str(error).strip()}. Start it again to go on.") from None
        self.stdout.write("Would go:" if dry_run else "Gone:")
        for kind in KINDS:
            self.stdout.write(_line(kind.name, kind.described, ages, result))
        if not result.whole:
            self.stdout.write("The time was up before the end: start it again to go on.")


def _line(name: str, described: str, ages: Ages, result: Result) -> str:
    days = getattr(ages, name)
    if days is None:
        return f"  {described}: kept for ever"
    held = f"; {result.held[name]:,} more are still needed" if result.held[name] else ""
    after = "1 day" if days == 1 else f"{days:,} days"
    return f"  {described}, after {after}: {result.gone[name]:,}{held}"
