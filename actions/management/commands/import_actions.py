"""`manage.py import_actions`: reports from a file into the database."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import django.db
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from actions.imports.parts import Window
from actions.imports.reading import READERS, Reading
from actions.imports.run import (
    ImportStoppedError,
    ReadOtherwiseError,
    begin_or_go_on,
    import_run,
    import_stream,
    try_import,
)
from actions.imports.understood import shown_first
from actions.reports.files import FileLine, UnreadableFileError
from actions.reports.storable import raw_storable
from commands.base import Command as SharedCommand
from commands.exit_codes import ExitCode
from commands.failing import ServerAwayError, UsageError
from commands.progress import progress

CHANGES = ("modified", "reversed", "restored")
MAX_NOTES = 100  # Each is printed once; a file with more kinds of them has another problem.

MAX_REJECTIONS = 1_000  # In the JSON; --rejects has them all.

MAX_JOBS = 64  # Each has a connection to the database.

DESCRIPTION = """\
Record conversions, and changes of recorded ones, from a file.

A .jsonl file has one JSON object a line, a .csv file the field names in its first line. The fields are those of the
conversion API: CampaignId, ActionTrackerId, EventDate, OrderId, MediaPartnerId, Items and so on; in CSV an item's
fields are numbered: ItemSku1, ItemSubTotal1. Event says what happened: created (if it is left out), modified,
reversed or restored; --event says it for all lines without their own, as in files whose name or place says it.
docs/actions.md explains every field.

An import that was cut off goes on when the same file is imported again: what was done is not done twice. Once it is
complete, importing the file again is a new import: new actions and modifications that were recorded before are
recognised and change nothing; a second reversal or restoration is rejected, because the action is reversed or restored
already. A bad line is reported with its number and reason, and does not stop the others; the exit code is then 1.
"""


class Command(SharedCommand):
    help = DESCRIPTION
    requires_system_checks: list[str] = []  # They load all pages, which takes half a second.
    json_keys = {
        "dry_run": "whether nothing was recorded, because of --dry-run",
        "recorded": "reports that were recorded, or would be",
        "repeated": "those that were recorded before",
        "rejected": "lines that were rejected",
        "waiting": "those that wait for their orders",
        "last_line": "the number of the last line",
        "rejections": "the first thousand rejected lines: list of {line, reason_code, message}",
    }
    fails_if = "a line was rejected, or the file cannot be read"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="a .jsonl, .csv or .tsv file in UTF-8, or - for JSON Lines from standard input"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check every line and show how the first are understood, but record and send nothing",
        )
        parser.add_argument(
            "--event", default="", choices=CHANGES, help="what lines without an Event report of their actions"
        )
        parser.add_argument(
            "--anew", action="store_true", help="begin with the first line, although an import of the file was cut off"
        )
        parser.add_argument(
            "--rejects", type=Path, metavar="FILE", help="write the rejected lines, as they are, to this file"
        )
        parser.add_argument(
            "--jobs",
            type=_jobs,
            default=os.cpu_count() or 1,
            metavar="N",
            help="record with up to N processes (default: as many as there are processors)",
        )

    def handle(
        self, *, file: str, dry_run: bool, rejects: Path | None, jobs: int, event: str, anew: bool, **_: object
    ) -> None:
        with ExitStack() as stack:
            source, reading = _open(file, event, stack)
            told = _ConsoleReport(
                self, _open_rejects(rejects, file, stack), stack.enter_context(self._progress_bar(source))
            )
            lines = reading.lines(source, told.say)
            try:
                if dry_run:
                    first: list[str] = []
                    summary = try_import(shown_first(lines, first.append), told)
                    for text in first:
                        told.say(text)
                elif not _is_kept(file):
                    summary = import_stream(lines, told, jobs)
                else:
                    run, before = begin_or_go_on(Path(source.name), str(reading), anew=anew)
                    if before:
                        told.say(f"Going on with this file's import of {run.started_at:%Y-%m-%d %H:%M} UTC.")
                    summary = import_run(lines, run, told, jobs)
            except (UnreadableFileError, ReadOtherwiseError) as error:
                raise CommandError(f"{file}: {error}") from error
            except django.db.Error as error:
                raise ServerAwayError(f"The database failed: {str(error).strip()}\nNothing was recorded.") from error
            except ImportStoppedError as error:
                raise CommandError(_stopped(error, file, dry_run), returncode=_code_of(error)) from error
        prefix = "Dry run, nothing was recorded. It would be: " if dry_run else ""
        rejections = [vars(each) for each in told.rejections]
        self.report({"dry_run": dry_run, **asdict(summary), "rejections": rejections}, f"{prefix}{summary}")
        if summary.rejected:
            where = f" They are in {rejects}." if rejects else ""
            raise CommandError(f"{summary.rejected:,} of the lines were rejected.{where}")

    def _progress_bar(self, source: BinaryIO) -> tqdm[Any]:
        """A bar over the bytes of the file."""
        size = Path(source.name).stat().st_size if source is not sys.stdin.buffer else None
        return progress(size, unit="B", as_json=self.as_json)


@dataclass(frozen=True)
class _Rejection:
    line: int
    reason_code: str
    message: str


class _ConsoleReport:
    """What is told of an import while it runs: progress, messages, the file of rejected lines."""

    def __init__(self, command: BaseCommand, rejects: BinaryIO | None, bar: tqdm[Any]) -> None:
        self._command = command
        self._rejects = rejects
        self._bar = bar
        self._header = b""
        self._notes: set[str] = set()
        self.rejections: list[_Rejection] = []

    def rejected(self, line: FileLine, reason_code: str, message: str) -> None:
        self.say(f"Line {line.number}: {reason_code}: {message}")
        if len(self.rejections) < MAX_REJECTIONS:
            self.rejections.append(_Rejection(line.number, str(reason_code), str(message)))
        if self._rejects is not None:
            for raw in (self._header, raw_storable(line)):
                if raw:
                    self._rejects.write(raw if raw.endswith(b"\n") else raw + b"\n")
            self._header = b""

    def became(self, number: int, event_id: int) -> None:
        """Nothing to say: the summary counts it."""

    def noted(self, number: int, note: str) -> None:
        if note not in self._notes and len(self._notes) < MAX_NOTES:
            self._notes.add(note)
            self.say(f"Line {number}: note: {note}")

    def begins(self, window: Window) -> None:
        if window.lines[0].fields is None:
            self._header = window.lines[0].raw

    def done(self, window: Window) -> None:
        self._bar.update(sum(len(line.raw) for line in window.lines))
        if self._rejects is not None:
            self._rejects.flush()

    def say(self, text: str) -> None:
        """Write a line beside the progress bar."""
        with self._bar.external_write_mode(file=sys.stderr):
            self._command.stderr.write(text)


def _open(name: str, event: str, stack: ExitStack) -> tuple[BinaryIO, Reading]:
    if name == "-":
        return sys.stdin.buffer, Reading(".jsonl", event)
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise UsageError(f"{name}: the file's name must end in .jsonl or .csv, which says how to read it.")
    try:
        return stack.enter_context(path.open("rb")), Reading(suffix, event)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error


def _open_rejects(path: Path | None, source: str, stack: ExitStack) -> BinaryIO | None:
    if path is None:
        return None
    if path.exists() and source != "-" and path.samefile(source):
        raise UsageError(f"{path}: the rejected lines cannot be written to the file that is being read.")
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error


def _is_kept(name: str) -> bool:
    """Whether the lines can be read a second time, unlike those of standard input or a pipe."""
    return Path(name).is_file()


def _code_of(error: ImportStoppedError) -> int:
    match error.__cause__:
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case django.db.Error():
            return ExitCode.SERVER_AWAY
        case _:
            return ExitCode.FAILED


def _stopped(error: ImportStoppedError, file: str, dry_run: bool) -> str:
    match error.__cause__:
        case KeyboardInterrupt():
            cause = "Interrupted."
        case BrokenProcessPool():
            cause = "A process that recorded was killed; the memory may have run out."
        case _:
            cause = f"The database failed: {str(error.__cause__).strip()}"
    if dry_run:
        return f"{cause}\nNothing was recorded."
    if _is_kept(file):
        return f"{cause}\nSo far: {error.summary} Import {file} again to go on; what is done is not done twice."
    return (
        f"{cause}\n{error.summary} Everything up to line {error.summary.last_line} is done, and of the lines after it "
        "perhaps some. New actions that come again are recognised as repeats."
    )


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 1 to {MAX_JOBS}.")
    return int(text)
