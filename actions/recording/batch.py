"""Everything that the reports of one call need, read and locked once, in a fixed number of queries.

Locks are taken in one order everywhere (limited terms, actions, new order ids; each sorted), so recordings never wait
for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from actions.models import ActionEvent
from actions.recording.credit import Engagements, Placement, load_engagements
from actions.recording.currency import Rates, load_rates
from actions.recording.known_actions import KnownActions, load_known_actions
from actions.recording.limits import Limits, lock_limits
from actions.reports.rejected import Rejected
from actions.reports.report import Report

BEGIN = """
SELECT version, ARRAY(SELECT nextval(pg_get_serial_sequence('actions_action', 'id')) FROM generate_series(1, %s))
FROM partners_setup_version
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is known when the first report is taken."""

    setup_version: int
    placements: dict[int, Placement | Rejected]  # Of each new action, by the identity of its report.
    limits: Limits
    actions: KnownActions
    rates: Rates
    ids: Iterator[int]  # For new actions.
    now: datetime

    def placement(self, report: Report) -> Placement:
        """Where the new action of `report` belongs.

        Raises:
            Rejected: nowhere.
        """
        placement = self.placements[id(report)]
        if isinstance(placement, Rejected):
            raise placement
        return placement


def load_batch(reports: Sequence[Report]) -> Batch:
    """Read what `reports` refer to, and lock what they change until the transaction ends."""
    created = [report for report in reports if report.kind == ActionEvent.Kind.CREATED]
    setup_version, ids = _begin(len(created))
    engagements = load_engagements(created, setup_version)
    placements = {id(report): _place(report, engagements) for report in created}
    placed = [each for each in placements.values() if isinstance(each, Placement)]
    limits = lock_limits([(each.credit.term, each.day) for each in placed if each.credit.term])
    actions = load_known_actions(reports)
    rates = _load_rates(reports, placed, actions)
    return Batch(setup_version, placements, limits, actions, rates, iter(ids), timezone.now())


def _begin(new: int) -> tuple[int, list[int]]:
    """The number of the set-up as this transaction sees it, and ids for `new` actions.

    Some ids may stay unused: gaps are harmless. One statement, because a report alone feels each.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [new])
        version, ids = cursor.fetchone()
    return version, ids


def _place(report: Report, engagements: Engagements) -> Placement | Rejected:
    try:
        return engagements.place(report)
    except Rejected as refusal:
        return refusal


def _load_rates(reports: Sequence[Report], placed: Sequence[Placement], actions: KnownActions) -> Rates:
    """The rates between all currencies that occur, on all days that occur."""
    states = actions.changeable()
    currencies = {report.currency for report in reports}
    for each in placed:
        currencies |= {each.tracker.program.currency, each.credit.partner.currency if each.credit.partner else ""}
    for state in states:
        currencies.update(state.currencies)
    return load_rates(currencies - {""}, {each.day for each in placed} | {state.day for state in states})
