"""`manage.py import_actions`: reports from a file into the database."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from actions.importing import ImportStoppedError, import_reports, try_import
from actions.report import Report
from actions.report_files import FileLine, LineReader, UnreadableFileError, csv_rows, json_lines

READERS: dict[str, LineReader] = {".jsonl": json_lines, ".ndjson": json_lines, ".csv": csv_rows}
MAX_WARNINGS = 100  # Each is printed once; a file with more kinds of them has another problem.

DESCRIPTION = """\
Record conversions, and changes of recorded ones, from a file.

A .jsonl file has one JSON object a line, a .csv file the field names in its first line. The fields are those of the
conversion API: CampaignId, ActionTrackerId, EventDate, OrderId, MediaPartnerId, Items and so on; in CSV an item's
fields are numbered: ItemSku1, ItemSubTotal1. Event says what happened: created (if it is left out), modified,
reversed or restored. docs/actions.md explains every field.

New actions and modifications that were imported before are recognised and change nothing; a second reversal or
restoration is rejected, because the action is reversed or restored already. A bad line is reported with its number and
reason, and does not stop the others; the exit code is then 1.
"""


class Command(BaseCommand):
    help = DESCRIPTION

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a .jsonl or .csv file in UTF-8, or - for JSON Lines from standard input")
        parser.add_argument("--dry-run", action="store_true", help="check every line, but record and send nothing")
        parser.add_argument(
            "--rejects", type=Path, metavar="FILE", help="write the rejected lines, as they are, to this file"
        )

    def handle(self, *, file: str, dry_run: bool, rejects: Path | None, **_: object) -> None:
        with ExitStack() as stack:
            source, read_lines = _open(file, stack)
            run = _Run(self, _open_rejects(rejects, file, stack), stack.enter_context(_progress_bar(source)))
            try:
                summary = (try_import if dry_run else import_reports)(run.watch(read_lines(source)), run.reject)
            except UnreadableFileError as error:
                raise CommandError(f"{file}: {error}") from error
            except ImportStoppedError as error:
                raise CommandError(_stopped(error, dry_run)) from error
        prefix = "Dry run, nothing was recorded. It would be: " if dry_run else ""
        self.stdout.write(f"{prefix}{summary}")
        if summary.rejected:
            where = f" They are in {rejects}." if rejects else ""
            raise CommandError(f"{summary.rejected:,} of the lines were rejected.{where}")


class _Run:
    """What happens beside the import: progress, messages, the file of rejected lines."""

    def __init__(self, command: BaseCommand, rejects: BinaryIO | None, bar: tqdm[Any]) -> None:
        self._command = command
        self._rejects = rejects
        self._bar = bar
        self._header = b""
        self._warnings: set[str] = set()

    def watch(self, lines: Iterable[FileLine]) -> Iterator[FileLine]:
        for line in lines:
            self._bar.update(len(line.raw))
            if line.report is None:
                self._header = line.raw
            elif isinstance(line.report, Report):
                self._warn(line.number, line.report)
            yield line

    def reject(self, line: FileLine, reason_code: str, message: str) -> None:
        self._say(f"Line {line.number}: {reason_code}: {message}")
        if self._rejects is not None:
            for raw in (self._header, line.raw):
                if raw:
                    self._rejects.write(raw if raw.endswith(b"\n") else raw + b"\n")
            self._header = b""

    def _warn(self, number: int, report: Report) -> None:
        for warning in report.warnings:
            if warning not in self._warnings and len(self._warnings) < MAX_WARNINGS:
                self._warnings.add(warning)
                self._say(f"Line {number}: note: {warning}")

    def _say(self, text: str) -> None:
        with self._bar.external_write_mode(file=sys.stderr):
            self._command.stderr.write(text)


def _open(name: str, stack: ExitStack) -> tuple[BinaryIO, LineReader]:
    if name == "-":
        return sys.stdin.buffer, json_lines
    path = Path(name)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CommandError(f"{name}: the file's name must end in .jsonl or .csv, which says how to read it.")
    try:
        return stack.enter_context(path.open("rb")), reader
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error


def _open_rejects(path: Path | None, source: str, stack: ExitStack) -> BinaryIO | None:
    if path is None:
        return None
    if path.exists() and source != "-" and path.samefile(source):
        raise CommandError(f"{path}: the rejected lines cannot be written to the file that is being read.")
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error


def _progress_bar(source: BinaryIO) -> tqdm[Any]:
    """A bar over the bytes of the file, on standard error; none where that is not a terminal."""
    size = Path(source.name).stat().st_size if source is not sys.stdin.buffer else None
    return tqdm(total=size, unit="B", unit_scale=True, leave=False, disable=None)


def _stopped(error: ImportStoppedError, dry_run: bool) -> str:
    interrupted = isinstance(error.__cause__, KeyboardInterrupt)
    cause = "Interrupted." if interrupted else f"The database failed: {str(error.__cause__).strip()}"
    if dry_run or not error.summary.last_line:
        return f"{cause}\nNothing was recorded."
    return (
        f"{cause}\n{error.summary} Everything up to line {error.summary.last_line} is done; import the lines after it. "
        "New actions that come again are recognised as repeats."
    )
