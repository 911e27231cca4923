"""`manage.py size`: how many processes, cores and gigabytes a number of events needs."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from operations.retention.ages import Ages
from operations.sizing import costs as measured
from operations.sizing.model import LOADED, Load, Size, size


class Command(BaseCommand):
    help = (
        "Say how many processes, cores, connections and gigabytes a number of events needs, from costs that were "
        "measured. How, and what the model leaves out: docs/scaling.md. Nothing is changed and no server is asked."
    )
    requires_system_checks: list[str] = []
    json_keys = {
        "load": "what was asked for, with the days that each kind of row is kept; null: for ever",
        "costs": "of a report and of a delivery: milliseconds of a core, bytes",
        "size": "what the load needs: processes, cores, connections, memory, WAL, disk, cells",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--events-per-day", type=_positive, required=True, metavar="N", help="conversions, changes and reversals"
        )
        parser.add_argument(
            "--postbacks", type=_positive, default=1.0, metavar="N", help="that each event sends; default: 1"
        )
        parser.add_argument(
            "--peak",
            type=_at_least_one,
            default=8.0,
            metavar="TIMES",
            help="how many times the average the busiest minutes of a sale bring; default: 8",
        )
        parser.add_argument(
            "--answer-ms", type=_positive, default=300.0, metavar="MS", help="receivers take to answer; default: 300"
        )
        parser.add_argument(
            "--attempts", type=_at_least_one, default=1.05, metavar="N", help="of a delivery, on average; default: 1.05"
        )
        parser.add_argument(
            "--years", type=_positive, default=3.0, metavar="N", help="after which to give the disk; default: 3"
        )
        parser.add_argument(
            "--database-cores",
            type=_whole,
            default=32,
            metavar="N",
            help="of the largest PostgreSQL server that you can have; default: 32",
        )
        parser.add_argument(
            "--accounts",
            type=_whole,
            default=1_000,
            metavar="N",
            help="that are divided among cells where one PostgreSQL server is not enough; default: 1000",
        )
        parser.add_argument(
            "--costs",
            type=Path,
            metavar="FILE",
            help="results of `make bench ONLY=sizing` on your machines; default: what was measured for docs/scaling.md",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            costs = measured.read(options["costs"]) if options["costs"] else measured.MEASURED
        except measured.UnreadableCostsError as error:
            raise CommandError(str(error), returncode=ExitCode.USAGE) from None
        ages = Ages.from_settings()
        load = Load(
            events_per_day=options["events_per_day"],
            postbacks=options["postbacks"],
            peak=options["peak"],
            answer_ms=options["answer_ms"],
            attempts=options["attempts"],
            texts_days=ages.texts,
            deliveries_days=ages.deliveries,
            events_days=ages.actions,
            submissions_days=ages.submissions,
            years=options["years"],
        )
        needed = size(load, costs, database_cores=options["database_cores"], accounts=options["accounts"])
        told = "\n".join(f"{name:<28}{value}" for name, value in _lines(load, needed, options["database_cores"]))
        self.report({"load": asdict(load), "costs": asdict(costs), "size": asdict(needed)}, told)


def _lines(load: Load, needed: Size, database_cores: int) -> list[tuple[str, str]]:
    per_second = (
        f"{needed.events_per_second:,.1f} a second on average, {needed.events_per_second_peak:,.0f} at the peak"
    )
    cells = f"{needed.cells}: one PostgreSQL server with {database_cores} cores is not enough (docs/cells.md)"
    largest = f"The largest of them has {needed.largest_cell:.2f} times the mean"
    if not needed.largest_account_fits:
        largest += ": the largest account alone is too much for one server"
    return [
        ("Events", per_second),
        ("Deliveries", f"{needed.deliveries_per_second_peak:,.0f} a second at the peak"),
        ("Requests in flight", f"{needed.in_flight_peak:,.0f} at the peak"),
        ("Web processes", f"{needed.web_processes}, one core each; {needed.web_memory_mb:,} MB in all"),
        (
            "Worker processes",
            (
                f"{needed.worker_processes}, one core each, for {needed.worker_processes_for}; "
                f"{needed.worker_memory_mb:,} MB in all"
            ),
        ),
        ("PostgreSQL", f"{needed.postgres_cores} cores, {needed.postgres_memory_gb} GB of memory"),
        ("Connections to PostgreSQL", f"{needed.postgres_connections}"),
        ("WAL", f"{needed.wal_mb_per_second_peak:,.1f} MB/s at the peak, {needed.wal_gb_per_day:,.1f} GB a day"),
        ("Disk of PostgreSQL", f"{needed.disk_gb:,.0f} GB after {load.years:g} years; {_kept(load)}"),
        *([("Cells", cells), ("", f"{largest}.")] if needed.cells > 1 else []),
        ("", f"At the peak, {LOADED:.0%} of each core is in use. Redis needs a core and 1 GB."),
    ]


def _kept(load: Load) -> str:
    kinds = (("events", load.events_days), ("deliveries", load.deliveries_days), ("texts", load.texts_days))
    return ", ".join(f"{name} kept {'forever' if days is None else f'{days:g} days'}" for name, days in kinds)


def _positive(text: str) -> float:
    """A number above 0; thousands may be separated by commas or underscores."""
    try:
        number = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number, such as 1000000 or 2.5") from None
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text} is not above 0")
    return number


def _at_least_one(text: str) -> float:
    number = _positive(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is below 1")
    return number


def _whole(text: str) -> int:
    number = _positive(text)
    if number != int(number):
        raise ArgumentTypeError(f"{text} is not a whole number")
    return int(number)
