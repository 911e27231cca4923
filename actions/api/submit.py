"""A request becomes a report, the report is recorded, and what became of it is kept: all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from actions.api.rights import programs_of
from actions.api.saving import save
from actions.models import ActionEvent, ApiToken, Submission
from actions.recording.keeping import keep
from actions.recording.record import record
from actions.recording.refusals import UNREADABLE, refusal_of
from actions.recording.results import RejectedResult, Result, Waiting, refused
from actions.recording.submissions import needed_fields, note_order, note_result
from actions.reports.rejected import Rejected, malformed
from actions.reports.report import Report, parse_report
from actions.reports.storable import clean

Kind = ActionEvent.Kind

EVENTS: Mapping[str, tuple[ActionEvent.Kind, ...]] = {
    Submission.Kind.CONVERSION: (Kind.CREATED,),
    Submission.Kind.CHANGE: (Kind.MODIFIED, Kind.RESTORED),
    Submission.Kind.REVERSAL: (Kind.REVERSED,),
    Submission.Kind.BATCH: (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED),
    Submission.Kind.FILE: (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED),
}
"""The events that each kind of submission takes; the first is meant where the report names none."""

# The request itself is at fault, whatever the database holds: the caller hears of it at once.
PROGRAM_NOT_ALLOWED = "PROGRAM_NOT_ALLOWED"
WRONG_REQUEST = frozenset({"MALFORMED", "OID_MISSING", "NO_ITEM", PROGRAM_NOT_ALLOWED})


def submit(
    token: ApiToken, kind: Submission.Kind, fields: Mapping[str, Any]
) -> tuple[Submission, RejectedResult | None]:
    """Record the report in `fields`; the submission, and the refusal if it was refused."""
    submission = Submission(token=token, kind=kind, received_at=timezone.now())
    return submission, _process(submission, fields)


def process_again(submission: Submission) -> RejectedResult | None:
    """Record a refused submission, once the cause is fixed; the refusal if it is refused still.

    NOW stands for the moment when it came first. One that was not refused is left as it is.
    """
    with transaction.atomic():
        submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if submission.result != Submission.Result.REJECTED:
            return None
        return _process(submission, submission.fields, keep_early=False)  # It has waited, or never will.


def _process(submission: Submission, fields: Mapping[str, Any], *, keep_early: bool = True) -> RejectedResult | None:
    report = read_report(submission.kind, fields, submission)
    note_order(submission, report, fields)
    if isinstance(report, Report):
        # In one transaction, so that a caller who has an answer finds the submission.
        (result,) = record(
            [report],
            also=lambda results: _keep(submission, fields, report.warnings, results[0]),
            keep_early=keep_early,
        )
    else:
        result = refused(report)
        _keep(submission, fields, (), result)
    return result if isinstance(result, RejectedResult) else None


def _keep(submission: Submission, fields: Mapping[str, Any], notes: Sequence[str], result: Result) -> None:
    note_result(submission, result)
    submission.processed_at = timezone.now()
    submission.notes = [clean(note) for note in notes]
    submission.fields = needed_fields(fields, result)
    save(submission)
    if isinstance(result, Waiting):
        keep([(submission, result)])


def read_report(kind: str, fields: Mapping[str, Any], submission: Submission) -> Report | Rejected:
    """The report of this kind of submission, or why it cannot be recorded."""
    allowed = EVENTS[kind]
    try:
        report = parse_report(fields, now=submission.received_at.replace(microsecond=0), kind=allowed[0])
        if report.kind not in allowed:
            raise malformed("Event", f"{report.kind} cannot be reported here; expected is {' or '.join(allowed)}.")
        programs = programs_of(submission.token)
        return report if programs is None else _within(report, programs)
    except UNREADABLE as error:
        return refusal_of(error)


def _within(report: Report, programs: frozenset[int]) -> Report:
    """The report, to be recorded only in these programs.

    Raises:
        Rejected: it names another one, which may exist or not.
    """
    named = {"CampaignId": report.campaign_id, "ActionId": report.action_id[0] if report.action_id else None}
    for field, program in named.items():
        if program is not None and program not in programs:
            text = ", ".join(str(each) for each in sorted(programs))
            raise Rejected(
                PROGRAM_NOT_ALLOWED,
                f"{field}: this token cannot report for the program {program}; expected is one of {text}.",
                field,
            )
    return replace(report, programs=programs)
