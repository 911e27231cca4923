"""Records one part of a file, in this process or in one that was started for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from threading import Thread
from typing import Any

from django.db import transaction
from django.utils import timezone

from actions.imports.parts import Part
from actions.intake.catch_up import record_before
from actions.models import ImportPart, Submission
from actions.recording.keeping import keep
from actions.recording.record import record
from actions.recording.refusals import UNREADABLE, refusal_of
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, Waiting, refused
from actions.recording.submissions import needed_fields, note_result
from actions.reports.files import Fields
from actions.reports.rejected import Rejected
from actions.reports.report import Report, parse_report
from environment.garbage import search_seldom

WAITS = "it came before its order, and waits for it; the submissions in the admin tell what becomes of it."

MOST_EVENTS = 10  # Of a part, for those who look at some of what would be recorded.

Rejection = tuple[int, str, str]  # Line, reason code, message.


@dataclass(slots=True)
class PartResult:
    """What became of the lines of a part."""

    recorded: int = 0
    repeated: int = 0
    waiting: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)  # Each once, with the first line that it is about.
    events: list[tuple[int, int]] = field(default_factory=list)  # The first ones that were recorded, with their lines.


def record_part(part: Part, run_id: int | None) -> PartResult:
    """Record the lines of `part`, in one transaction with the note that they are recorded.

    Without a run no note is kept. With one, a part that another process has recorded is left alone, and what became of
    it is told.

    Raises:
        django.db.Error: the database failed; nothing of the part is recorded.
    """
    with transaction.atomic():
        if run_id is None:
            return _record(part.lines)
        # Another process that takes the part at this moment waits here until we have committed.
        kept, ours = ImportPart.objects.get_or_create(run_id=run_id, number=part.number)
        if not ours:
            return result_of(kept)
        result = _record(part.lines)
        kept.recorded, kept.repeated, kept.rejections = result.recorded, result.repeated, result.rejections
        kept.waiting = result.waiting
        kept.save()
    return result


def result_of(part: ImportPart) -> PartResult:
    """What became of a part that is recorded already."""
    rejections = [(line, code, message) for line, code, message in part.rejections]
    return PartResult(part.recorded, part.repeated, part.waiting, rejections)


def _record(lines: Sequence[tuple[int, Fields]]) -> PartResult:
    read = [(number, _report(fields)) for number, fields in lines]
    reports = [report for _, report in read if isinstance(report, Report)]
    record_before(reports)
    recorded = iter(record(reports))
    result = PartResult()
    notes: dict[str, int] = {}
    waiting = []
    for (number, report), (_, fields) in zip(read, lines, strict=True):
        if isinstance(report, Report):
            for warning in report.warnings:
                notes.setdefault(warning, number)
            became = next(recorded)
            _count(result, number, became)
            if isinstance(became, Waiting) and isinstance(fields, dict):
                notes.setdefault(WAITS, number)
                waiting.append((_submission(number, fields, became), became))
        else:
            _count(result, number, refused(report))
    Submission.objects.bulk_create([submission for submission, _ in waiting])
    keep(waiting)
    result.notes = [(number, note) for note, number in notes.items()]
    return result


def _submission(number: int, fields: dict[str, Any], waiting: Waiting) -> Submission:
    """What tells later what became of the line; it is not saved."""
    submission = Submission(
        kind=Submission.Kind.FILE, line=number, received_at=timezone.now(), fields=needed_fields(fields, waiting)
    )
    note_result(submission, waiting)
    return submission


def _report(fields: Fields) -> Report | Rejected:
    if isinstance(fields, Rejected):
        return fields
    try:
        return parse_report(fields)
    except UNREADABLE as error:
        return refusal_of(error)


def _count(part: PartResult, number: int, result: Result) -> None:
    match result:
        case Recorded(event):
            part.recorded += 1
            if len(part.events) < MOST_EVENTS:
                part.events.append((number, event.pk))
        case Repeated():
            part.repeated += 1
        case Waiting():
            part.waiting += 1
        case RejectedResult(code, message):
            part.rejections.append((number, code, message))


def begin_process() -> None:
    """Prepare a process that records parts: it finishes its part after Ctrl-C, and ends with the one that made it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The command's own handler raises SystemExit. In the middle of a part the pool would take that for a result, and
    # then wait without end for the process that it has told to end.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()
    search_seldom()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)  # What is not committed is recorded by the next import.
