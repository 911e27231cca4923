"""Which event type a report means that names it by its code: the code is unique in a program, not over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Q

from actions.reports.rejected import Rejected, malformed
from actions.reports.report import Report
from partners.models import ActionTracker

FIELD = "EventTypeCode"
_MAX_TOLD = 5  # Of the programs that have the code.


class _EventType(NamedTuple):
    pk: int
    program_id: int
    code: str


def with_event_types(reports: Sequence[Report]) -> list[Report | Rejected]:
    """The reports, with the id of the event type, and of its program, in place of a code; or why it names none.

    One query where a report has a code, otherwise none.
    """
    codes = {report.event_type_code for report in reports if report.event_type_code}
    if not codes:
        return list(reports)
    beside = {report.action_tracker_id for report in reports if report.event_type_code} - {None}
    rows = ActionTracker.objects.filter(Q(code__in=codes) | Q(pk__in=beside)).order_by("program_id")
    known = [_EventType(*row) for row in rows.values_list("pk", "program_id", "code")]
    return [_named(report, known) if report.event_type_code else report for report in reports]


def _named(report: Report, known: Sequence[_EventType]) -> Report | Rejected:
    try:
        meant = _meant(report, known)
    except Rejected as refusal:
        return refusal
    return report._replace(
        action_tracker_id=meant.pk,
        # A change needs no program. One that it names, and that is another, is found out later.
        campaign_id=meant.program_id if report.campaign_id is None else report.campaign_id,
    )


def _meant(report: Report, known: Sequence[_EventType]) -> _EventType:
    """The event type of the code. Beside an id, a code that nothing has says nothing.

    Raises:
        Rejected: there is none, or more than one, or the id is another one's.
    """
    code = report.event_type_code
    by_id = next((each for each in known if each.pk == report.action_tracker_id), None)
    program = report.campaign_id or (report.action_id[0] if report.action_id else by_id and by_id.program_id)
    holders = [each for each in known if each.code == code]
    here = [each for each in holders if program in (None, each.program_id)]
    if report.action_tracker_id is not None:
        if by_id and (by_id in here or not (here or by_id.code)):
            return by_id
        if by_id or here:
            whose = f"the code of the event type {here[0].pk}" if here else "not its code"
            raise malformed(
                FIELD,
                f"ActionTrackerId is {report.action_tracker_id}, and {code!r} is {whose}; name the event type once.",
            )
        raise Rejected(
            "ACTIONTRACKER_NOT_FOUND", f"There is no event type {report.action_tracker_id}.", "ActionTrackerId"
        )
    if len(here) > 1:
        more = ", …" if len(here) > _MAX_TOLD else ""
        programs = ", ".join(str(each.program_id) for each in here[:_MAX_TOLD])
        raise malformed(
            FIELD, f"{code!r} is an event type of more than one program ({programs}{more}); report CampaignId too."
        )
    if here:
        return here[0]
    if holders:
        others = ", ".join(str(each.program_id) for each in holders[:_MAX_TOLD])
        raise Rejected(
            "ACTIONTRACKER_CAMPAIGN_MISMATCH",
            f"The event type with the code {code!r} belongs to the program {others}, not to {program}.",
            FIELD,
        )
    raise Rejected("ACTIONTRACKER_NOT_FOUND", f"There is no event type with the code {code!r}.", FIELD)
