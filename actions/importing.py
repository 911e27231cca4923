"""Imports reports through the one door: batch by batch, bad lines told apart from good ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import django.db
from django.db import transaction

from actions.outcomes import Outcome, Recorded, RejectedOutcome, Repeated, refused
from actions.record import record
from actions.report import Report
from actions.report_files import FileLine

# Large enough that the queries of a transaction do not count, small enough that an interruption loses little.
LINES_PER_TRANSACTION = 500


@dataclass(slots=True)
class Summary:
    """How many reports came to what, and the last line of which that is certain."""

    recorded: int = 0
    repeated: int = 0
    rejected: int = 0
    last_line: int = 0

    def __str__(self) -> str:
        return f"{self.recorded:,} recorded, {self.repeated:,} repeated, {self.rejected:,} rejected."


class ImportStoppedError(Exception):
    """The database failed or the operator interrupted; `summary` is what had been imported by then."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(f"The import stopped after line {summary.last_line}: {summary}")
        self.summary = summary


def import_reports(lines: Iterable[FileLine], reject: Callable[[FileLine, str, str], None]) -> Summary:
    """Record the reports in `lines`, in their order, some hundred lines a transaction.

    `reject` is called for each refused line with its reason code and message, in the order of the lines.

    Raises:
        ImportStoppedError: the database failed, or Ctrl-C was pressed.
    """
    summary = Summary()
    remaining = iter(lines)
    try:
        while batch := list(islice(remaining, LINES_PER_TRANSACTION)):
            outcomes = _record(batch)
            for line, outcome in outcomes:
                _count(summary, outcome)
                if isinstance(outcome, RejectedOutcome):
                    reject(line, outcome.reason_code, outcome.message)
            summary.last_line = batch[-1].last_number
    except (django.db.Error, KeyboardInterrupt) as error:
        raise ImportStoppedError(summary) from error
    return summary


def try_import(lines: Iterable[FileLine], reject: Callable[[FileLine, str, str], None]) -> Summary:
    """Do the same as `import_reports` in one transaction, and take it back: nothing is recorded or sent."""
    try:
        with transaction.atomic():
            summary = import_reports(lines, reject)
            transaction.set_rollback(True)
    except django.db.Error as error:
        raise ImportStoppedError(Summary()) from error
    return summary


def _record(batch: Iterable[FileLine]) -> list[tuple[FileLine, Outcome]]:
    """One transaction; the outcome of each line that is a report or fails to be one."""
    read = [(line, line.report) for line in batch if line.report is not None]
    recorded = iter(record([report for _, report in read if isinstance(report, Report)]))
    return [(line, next(recorded) if isinstance(report, Report) else refused(report)) for line, report in read]


def _count(summary: Summary, outcome: Outcome) -> None:
    match outcome:
        case Recorded():
            summary.recorded += 1
        case Repeated():
            summary.repeated += 1
        case RejectedOutcome():
            summary.rejected += 1
