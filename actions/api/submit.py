"""A request becomes a report, the report is recorded, and what became of it is kept: all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from actions.api.saving import note_outcome, save
from actions.models import ActionEvent, ApiToken, Submission
from actions.outcomes import Outcome, RejectedOutcome, refused
from actions.record import record
from actions.rejected import Rejected, malformed
from actions.report import Report, parse_report

Kind = ActionEvent.Kind

EVENTS: Mapping[str, tuple[ActionEvent.Kind, ...]] = {
    Submission.Kind.CONVERSION: (Kind.CREATED,),
    Submission.Kind.CHANGE: (Kind.MODIFIED, Kind.RESTORED),
    Submission.Kind.REVERSAL: (Kind.REVERSED,),
    Submission.Kind.BATCH: (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED),
}
"""The events that each door takes; the first is meant where the report names none."""

# The request itself is at fault, whatever the database holds: the caller hears of it at once.
WRONG_REQUEST = frozenset({"MALFORMED", "OID_MISSING", "NO_ITEM"})


def submit(
    token: ApiToken, kind: Submission.Kind, fields: Mapping[str, Any]
) -> tuple[Submission, RejectedOutcome | None]:
    """Record the report in `fields`; the submission, and the refusal if it was refused."""
    submission = Submission(token=token, kind=kind, received_at=timezone.now())
    return submission, _process(submission, fields)


def process_again(submission: Submission) -> RejectedOutcome | None:
    """Record a refused submission, once the cause is mended; the refusal if it is refused still.

    NOW stands for the moment when it came first. One that was not refused is left as it is.
    """
    with transaction.atomic():
        submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        if submission.result != Submission.Result.REJECTED:
            return None
        return _process(submission, submission.fields)


def _process(submission: Submission, fields: Mapping[str, Any]) -> RejectedOutcome | None:
    report = read_report(submission.kind, fields, submission)
    if isinstance(report, Report):
        # In one transaction, so that whoever has an answer finds the submission.
        (outcome,) = record([report], also=lambda outcomes: _keep(submission, fields, report.warnings, outcomes[0]))
    else:
        outcome = refused(report)
        _keep(submission, fields, (), outcome)
    return outcome if isinstance(outcome, RejectedOutcome) else None


def _keep(submission: Submission, fields: Mapping[str, Any], notes: Sequence[str], outcome: Outcome) -> None:
    note_outcome(submission, outcome)
    submission.processed_at = timezone.now()
    submission.notes = list(notes)
    submission.fields = storable(fields) if isinstance(outcome, RejectedOutcome) else {}
    save(submission)


def read_report(kind: str, fields: Mapping[str, Any], submission: Submission) -> Report | Rejected:
    """The report that came through this kind of door, or why it is none."""
    allowed = EVENTS[kind]
    try:
        report = parse_report({"Event": allowed[0], **fields}, now=submission.received_at.replace(microsecond=0))
        if report.kind not in allowed:
            raise malformed("Event", f"{report.kind} cannot be reported here; expected is {' or '.join(allowed)}.")
    except Rejected as refusal:
        return refusal
    return report


def storable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they can be kept: as JSON, without the characters that PostgreSQL refuses."""
    return {_clean(name): _storable(value) for name, value in fields.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return storable(value)
    if isinstance(value, (list, tuple)):
        return [_storable(each) for each in value]
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def _clean(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
