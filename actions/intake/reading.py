"""The fields of a request become a report, or the refusal of one. Pure, apart from its trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from actions.models import ActionEvent, ApiToken, Submission
from actions.recording.refusals import UNREADABLE, refusal_of
from actions.reports.rejected import Rejected, malformed
from actions.reports.report import Report, parse_report
from tracing import traces

Kind = ActionEvent.Kind

EVENTS: Final[Mapping[str, tuple[ActionEvent.Kind, ...]]] = {
    Submission.Kind.CONVERSION: (Kind.CREATED,),
    Submission.Kind.CHANGE: (Kind.MODIFIED, Kind.RESTORED),
    Submission.Kind.REVERSAL: (Kind.REVERSED,),
    Submission.Kind.BATCH: (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED),
    Submission.Kind.FILE: (Kind.CREATED, Kind.MODIFIED, Kind.REVERSED, Kind.RESTORED),
}
"""The events that each kind of submission takes; the first is meant where the report names none."""

PROGRAM_NOT_ALLOWED: Final = "PROGRAM_NOT_ALLOWED"
# The request itself is at fault, whatever the database holds: the caller hears of it at once.
WRONG_REQUEST: Final = frozenset({"MALFORMED", "OID_MISSING", "NO_ITEM", PROGRAM_NOT_ALLOWED})
# Below it, no exchange rate makes more of an amount than can be kept.
_NO_LARGE_AMOUNT: Final = 1_000_000


def programs_of(token: ApiToken | None) -> frozenset[int] | None:
    """The ids of the programs that the token is for; None means all. What has no token is for all."""
    return None if token is None or token.program_ids is None else frozenset(token.program_ids)


def read_report(
    kind: str, fields: Mapping[str, Any], *, token: ApiToken | None, received_at: datetime
) -> Report | Rejected:
    """The report of this kind of submission, or why it cannot be recorded. It belongs to the trace of the request that
    is being answered."""
    allowed = EVENTS[kind]
    try:
        report = parse_report(fields, now=received_at.replace(microsecond=0), kind=allowed[0])
        if report.kind not in allowed:
            raise malformed("Event", f"{report.kind} cannot be reported here; expected is {' or '.join(allowed)}.")
        programs, trace = programs_of(token), traces.current()
        if trace is not None:
            report = report._replace(trace=trace)
        return report if programs is None else _within(report, programs)
    except UNREADABLE as error:
        return refusal_of(error)


def is_sound(report: Report) -> bool:
    """Whether the report cannot be a wrong request any more, however it compares with the database.

    That is so for most new orders: named by ids, and with amounts that cannot contradict each other. Of all others
    only the recording tells.
    """
    return (
        report.kind == Kind.CREATED
        and not report.event_type_code
        and report.order_discount is None
        and report.post_discount is None
        and (report.amount is None or report.amount < _NO_LARGE_AMOUNT)
        and all(
            item.sub_total is not None
            and 0 <= item.sub_total < _NO_LARGE_AMOUNT
            and (item.quantity or 0) < _NO_LARGE_AMOUNT
            and item.quantity_delta is None
            and item.price is None
            and item.amount is None
            and item.net is None
            and not item.discount_kinds
            for item in report.items
        )
    )


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
    return report._replace(programs=programs)
