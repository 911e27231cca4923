"""Imports reports through the one door: batch by batch, bad lines told apart from good ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import django.db
from django.db import transaction

from actions.outcomes import Outcome, Recorded, RejectedOutcome, Repeated
from actions.record import record
from actions.rejected import Rejected
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
    """The database failed in the middle; `summary` is what had been imported by then."""

    def __init__(self, summary: Summary) -> None:
        super().__init__(f"The import stopped after line {summary.last_line}: {summary}")
        self.summary = summary


def import_reports(lines: Iterable[FileLine], reject: Callable[[FileLine, str, str], None]) -> Summary:
    """Record the reports in `lines`, in their order, some hundred lines a transaction.

    `reject` is called for each refused line with its reason code and message, in the order of the lines.

    Raises:
        ImportStoppedError: the database failed.
    """
    summary = Summary()
    remaining = iter(lines)
    while batch := list(islice(remaining, LINES_PER_TRANSACTION)):
        try:
            outcomes = iter(record([line.report for line in batch if isinstance(line.report, Report)]))
        except django.db.Error as error:
            raise ImportStoppedError(summary) from error
        for line in batch:
            outcome: Outcome
            match line.report:
                case None:
                    continue
                case Rejected() as refusal:
                    outcome = RejectedOutcome(refusal.reason_code, str(refusal), refusal.field)
                case _:
                    outcome = next(outcomes)
            match outcome:
                case Recorded():
                    summary.recorded += 1
                case Repeated():
                    summary.repeated += 1
                case RejectedOutcome():
                    summary.rejected += 1
                    reject(line, outcome.reason_code, outcome.message)
        summary.last_line = batch[-1].number
    return summary


def try_import(lines: Iterable[FileLine], reject: Callable[[FileLine, str, str], None]) -> Summary:
    """Do the same as `import_reports` in one transaction, and take it back: nothing is recorded or sent."""
    with transaction.atomic():
        summary = import_reports(lines, reject)
        transaction.set_rollback(True)
    return summary
