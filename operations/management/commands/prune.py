"""`manage.py prune`: deletes data that is older than the settings allow."""

from __future__ import annotations

from typing import Any

import psycopg2
from django.core.management import CommandError, CommandParser

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from commands.progress import progress
from operations.retention.ages import Ages
from operations.retention.kinds import KINDS
from operations.retention.prune import BusyError, Result, prune


class Command(BaseCommand):
    help = "Delete data that is older than the settings allow. Workers do so each night; see docs/operations.md."
    json_keys = {
        "dry_run": "whether nothing was deleted, because of --dry-run",
        "complete": "false if the time ran out before the end",
        "kinds": "list of {kind, days: null for ever, deleted, held: old enough, but needed still}",
        "partitions_dropped": "names of partitions of attempts that went as a whole",
        "partitions_compacted": "names of partitions of attempts that gave back the disk of their texts",
    }
    fails_if = "another process prunes"

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
            with progress(what="rows", as_json=self.as_json) as bar:
                seconds = options["minutes"] * 60
                result = prune(ages, dry_run=dry_run, again=options["again"], seconds=seconds, watch=bar.update)
        except BusyError as busy:
            raise CommandError(f"{busy} Try again when it has finished.") from None
        except psycopg2.Error as error:
            raise CommandError(
                f"Pruning was cut short: {str(error).strip()}. Run the command again to continue.",
                returncode=ExitCode.SERVER_AWAY,
            ) from None
        lines = ["Would be deleted:" if dry_run else "Deleted:"]
        lines += [_line(kind.name, kind.described, ages, result) for kind in KINDS]
        whole_ones = {"dropped": result.dropped, "compacted": result.compacted}
        lines += [f"  partitions of attempts {done}: {', '.join(names)}" for done, names in whole_ones.items() if names]
        if not result.whole:
            lines.append("Time ran out before the end. Run the command again to continue.")
        kinds = [_told(kind.name, ages, result) for kind in KINDS]
        self.report(
            {
                "dry_run": dry_run,
                "complete": result.whole,
                "kinds": kinds,
                "partitions_dropped": result.dropped,
                "partitions_compacted": result.compacted,
            },
            "\n".join(lines),
        )


def _told(name: str, ages: Ages, result: Result) -> dict[str, Any]:
    return {"kind": name, "days": getattr(ages, name), "deleted": result.gone[name], "held": result.held[name]}


def _line(name: str, described: str, ages: Ages, result: Result) -> str:
    days = getattr(ages, name)
    if days is None:
        return f"  {described}: kept forever"
    held = f"; {result.held[name]:,} more are still needed" if result.held[name] else ""
    after = "1 day" if days == 1 else f"{days:,} days"
    return f"  {described}, after {after}: {result.gone[name]:,}{held}"
