"""Imports a file through `record`: parts of it side by side, each recorded once, however often it is cut off.

A part is recorded in one transaction with the note that it is. Another import of the same file, after a failure or at
the same moment, leaves out what is noted. Lines about one order are recorded in the order in which they stand.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import django.db
from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from actions.imports.parts import Part, Window, windows
from actions.imports.record_part import PartResult, begin_process, record_part, result_of
from actions.models import ImportPart, ImportRun
from actions.reports.files import FileLine

# Long enough to look up what became of a file; nobody reads the rows of a complete import for more.
COMPLETE_RUNS_KEPT = timedelta(days=7)

RecordPart = Callable[[Part, int | None], "Future[PartResult]"]


@dataclass(slots=True)
class Summary:
    """How many reports came to what, how many lines were refused, and the last line of which that is certain."""

    recorded: int = 0
    repeated: int = 0
    rejected: int = 0
    last_line: int = 0
    waiting: int = 0

    def __str__(self) -> str:
        told = f"{self.recorded:,} recorded, {self.repeated:,} repeated, {self.rejected:,} rejected"
        return f"{told}, {self.waiting:,} waiting for their orders." if self.waiting else f"{told}."


class ImportStoppedError(Exception):
    """The database or a process failed, or the operator interrupted; `summary` is what was certain by then."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(f"The import stopped after line {summary.last_line}: {summary}")
        self.summary = summary


class Listener(Protocol):
    """Hears what becomes of the lines, in their order."""

    def begins(self, window: Window) -> None:
        """The lines of the window are told of next."""

    def rejected(self, line: FileLine, reason_code: str, message: str) -> None:
        """The line is refused."""

    def noted(self, number: int, note: str) -> None:
        """The line was recorded, but not all of it is used."""

    def became(self, number: int, event_id: int) -> None:
        """The line was recorded as this event. Only of the first lines of each part."""

    def done(self, window: Window) -> None:
        """All lines of the window have been told of."""


class ReadOtherwiseError(Exception):
    """An import of the file was cut off that had read it in another way, so that its parts were others."""


def begin_or_go_on(path: Path, reading: str, *, anew: bool = False) -> tuple[ImportRun, bool]:
    """The run of this file, and whether it was begun before.

    `reading` says how the file is read: a run goes on only as it was begun. With `anew` all runs that were cut off are
    given up.

    Raises:
        OSError: the file cannot be read.
        ReadOtherwiseError: a run that was cut off had read the file in another way.
    """
    with path.open("rb") as file:
        file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    # A program of an earlier version knows runs by the file alone. It must not go on with one of ours.
    sha256 = hashlib.sha256(f"{reading}\n{file_sha256}".encode()).hexdigest()
    ImportRun.objects.filter(completed_at__lt=timezone.now() - COMPLETE_RUNS_KEPT).delete()
    cut_off = ImportRun.objects.filter(Q(sha256=file_sha256) | Q(file_sha256=file_sha256), completed_at=None)
    if anew:
        cut_off.update(completed_at=timezone.now())
    other = cut_off.exclude(sha256=sha256).filter(parts__isnull=False).first()
    if other is not None:
        how = f"as {other.reading!r}" if other.reading else "by an earlier version"
        raise ReadOtherwiseError(
            f"An import of this file of {other.started_at:%Y-%m-%d %H:%M} UTC was cut off. It had read the file {how}, "
            f"now it would be read as {reading!r}. Go on as it was begun, or begin again with --anew: new actions are "
            "recognised as repeats then, but a Delta counts again."
        )
    run, begun = ImportRun.objects.get_or_create(
        sha256=sha256,
        completed_at=None,
        defaults={"name": path.name[-255:], "file_sha256": file_sha256, "reading": reading},
    )
    return run, not begun


def import_run(lines: Iterable[FileLine], run: ImportRun, listener: Listener, jobs: int) -> Summary:
    """Record the lines of the file of `run`, with up to `jobs` processes, and complete the run.

    Raises:
        ImportStoppedError: what is certain stays; the same file can be imported again to go on.
    """
    summary = _import(lines, run.pk, listener, jobs)
    ImportRun.objects.filter(pk=run.pk, completed_at=None).update(completed_at=timezone.now())
    return summary


def import_stream(lines: Iterable[FileLine], listener: Listener, jobs: int) -> Summary:
    """Record lines that come only once.

    Raises:
        ImportStoppedError: lines after the last that is certain may be recorded or not.
    """
    return _import(lines, None, listener, jobs)


def try_import(lines: Iterable[FileLine], listener: Listener, look: Callable[[], None] = lambda: None) -> Summary:
    """Do the same in one transaction, and take it back: nothing is recorded or sent.

    `look` is called before that, to look at what would be recorded.
    """
    try:
        with transaction.atomic():
            summary = _import(lines, None, listener, jobs=1)
            look()
            transaction.set_rollback(True)
    except django.db.Error as error:
        raise ImportStoppedError(Summary()) from error
    return summary


def _import(lines: Iterable[FileLine], run_id: int | None, listener: Listener, jobs: int) -> Summary:
    summary = Summary()
    coming = windows(lines)
    try:
        window = next(coming, None)
        following = next(coming, None)
        # For a few lines no processes are started.
        with _processes(jobs if following or (window and len(window.parts) > 1) else 1) as start:
            while window is not None:
                begun = _begin(window, run_id, start)
                # The next lines are read while these are recorded.
                ahead = next(coming, None) if following else None
                _tell(window, [each.result() for each in begun], summary, listener)
                window, following = following, ahead
    except (django.db.Error, BrokenProcessPool, KeyboardInterrupt) as error:
        raise ImportStoppedError(summary) from error
    return summary


def _begin(window: Window, run_id: int | None, start: RecordPart) -> list[Future[PartResult]]:
    """Start what is not recorded yet of the window; the results of all its parts."""
    numbers = window.part_numbers
    kept = ImportPart.objects.filter(run=run_id, number__gte=numbers.start, number__lt=numbers.stop) if run_id else ()
    known = {each.number: _done(result_of(each)) for each in kept}
    return [known.get(part.number) or start(part, run_id) for part in window.parts]


@contextmanager
def _processes(jobs: int) -> Iterator[RecordPart]:
    """What records a part: this process if there is one job, otherwise as many others."""
    if jobs == 1:
        yield lambda part, run_id: _done(record_part(part, run_id))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork"), initializer=begin_process) as pool:
        connections.close_all()  # A connection must not be in two processes.
        pool.submit(int).result()  # All are started now, before this one connects again.
        _close_reading_end(pool)
        try:
            yield lambda part, run_id: pool.submit(record_part, part, run_id)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Waits for the parts that are being recorded.
            raise


def _close_reading_end(pool: ProcessPoolExecutor) -> None:
    """Once the processes of `pool` have died, its thread that hands parts to them must not wait for a reader.

    Python before 3.11.7, such as Debian 12's, and 3.12.0 keep their end of the pipe open in this process too, and a
    pool with a killed process then never ends (https://github.com/python/cpython/issues/94777).
    """
    if sys.version_info < (3, 12, 1):
        pool._call_queue._reader.close()  # type: ignore[attr-defined]  # noqa: SLF001 -- as Python does since


def _done(result: PartResult) -> Future[PartResult]:
    future: Future[PartResult] = Future()
    future.set_result(result)
    return future


def _tell(window: Window, results: Iterable[PartResult], summary: Summary, listener: Listener) -> None:
    rejections, notes, events = [], [], []
    for result in results:
        summary.recorded += result.recorded
        summary.repeated += result.repeated
        summary.waiting += result.waiting
        rejections += result.rejections
        notes += result.notes
        events += result.events
    lines = {line.number: line for line in window.lines}
    listener.begins(window)
    for number, note in sorted(notes):
        listener.noted(number, note)
    for number, reason_code, message in sorted(rejections):
        summary.rejected += lines[number].count
        listener.rejected(lines[number], reason_code, message)
    for number, event_id in sorted(events):
        listener.became(number, event_id)
    summary.last_line = window.lines[-1].last_number
    listener.done(window)
