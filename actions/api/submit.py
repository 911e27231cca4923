"""A report that one request brings, recorded by the thread that answers it; and refused ones, processed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from actions.intake.catch_up import record_before
from actions.intake.reading import read_report
from actions.intake.recorder import keep_refused, record_taken
from actions.intake.taken import take
from actions.models import ApiToken, Submission
from actions.recording.record import record
from actions.recording.results import RejectedResult, Result, refused
from actions.recording.submissions import needed_fields, note_order, note_result
from actions.reports.report import Report
from actions.reports.storable import clean


def submit(token: ApiToken, kind: str, fields: Mapping[str, Any]) -> tuple[int, RejectedResult | None]:
    """Record the report in `fields`; the id of its submission, and the refusal if it was refused."""
    taken = take(token, kind, fields, timezone.now())
    if isinstance(taken.report, Report):
        submission, result = record_taken([taken])[taken]  # Others, which were answered before, may come with it.
    else:
        submission, result = keep_refused([taken])[taken]
    return submission.pk, result if isinstance(result, RejectedResult) else None


def process_again(submission: Submission) -> RejectedResult | None:
    """Record a refused submission, once the cause is fixed; the refusal if it is refused still.

    NOW stands for the moment when it came first. One that was not refused is left as it is.
    """
    with transaction.atomic():
        submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if submission.result != Submission.Result.REJECTED:
            return None
        return _process_again(submission, submission.fields)


def _process_again(submission: Submission, fields: Mapping[str, Any]) -> RejectedResult | None:
    report = read_report(submission.kind, fields, token=submission.token, received_at=submission.received_at)
    note_order(submission, report, fields)
    if isinstance(report, Report):
        record_before([report])
        (result,) = record(
            [report],
            also=lambda results: _save(submission, fields, report.warnings, results[0]),
            keep_early=False,  # It has waited, or never will.
        )
    else:
        result = refused(report)
        _save(submission, fields, (), result)
    return result if isinstance(result, RejectedResult) else None


def _save(submission: Submission, fields: Mapping[str, Any], notes: tuple[str, ...], result: Result) -> None:
    note_result(submission, result)
    submission.processed_at = timezone.now()
    submission.notes = [clean(note) for note in notes]
    submission.fields = needed_fields(fields, result)
    submission.save()
