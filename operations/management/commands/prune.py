"""`manage.py prune`: deletes data that is older than the settings allow."""

from __future__ import annotations

from typing import Any

import psycopg2
from django.core.management import BaseCommand, CommandError, CommandParser

from operations.retention.ages import Ages
from operations.retention.kinds import KINDS
from operations.retention.prune import BusyError, Result, prune


class Command(BaseCommand):
    help = "Delete data that is older than the settings allow. Workers do so each night; see docs/operations.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count what would be deleted, and delete nothing")
        parser.add_argument(
            "--again",
            action="store_true",
            help="check all rows from the beginning, including those that earlier runs have finished",
        )
        parser.add_argument(
            "--minutes", type=float, default=float("inf"), help="stop after this many minutes; default: never"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        ages, dry_run = Ages.from_settings(), options["dry_run"]
        try:
            result = prune(ages, dry_run=dry_run, again=options["again"], seconds=options["minutes"] * 60)
        except BusyError as busy:
            raise CommandError(f"{busy} Try again when it has finished.") from None
        except psycopg2.Error as error:
            raise CommandError(
                f"Pruning was cut short: {str(error).strip()}. Run the command again to continue."
            ) from None
        self.stdout.write("Would be deleted:" if dry_run else "Deleted:")
        for kind in KINDS:
            self.stdout.write(_line(kind.name, kind.described, ages, result))
        for done, partitions in (("dropped", result.dropped), ("compacted", result.compacted)):
            if partitions:
                self.stdout.write(f"  partitions of attempts {done}: {', '.join(partitions)}")
        if not result.whole:
            self.stdout.write("Time ran out before the end. Run the command again to continue.")


def _line(name: str, described: str, ages: Ages, result: Result) -> str:
    days = getattr(ages, name)
    if days is None:
        return f"  {described}: kept forever"
    held = f"; {result.held[name]:,} more are still needed" if result.held[name] else ""
    after = "1 day" if days == 1 else f"{days:,} days"
    return f"  {described}, after {after}: {result.gone[name]:,}{held}"
