"""Everything that the reports of one call need, read and locked once, in a fixed number of queries.

The first question also brings what most reports need, so that one new order asks nothing else.

Locks are taken in one order everywhere (changes that wait, limited terms, actions, new order ids; each sorted), so
recordings never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from actions.models import ActionEvent
from actions.recording.credit import Placement, load_engagements, load_trackers
from actions.recording.currency import Rates, load_rates
from actions.recording.early_changes import Kept, OrderKey, waiting_for
from actions.recording.known_actions import KnownActions, NamedOrder, load_known_actions
from actions.recording.limits import Limits, lock_limits
from actions.recording.planned import Planned
from actions.recording.results import Waiting
from actions.reports.rejected import Rejected
from actions.reports.report import Report

# The actions are found through the constraint's index, order by order. Most orders are new. The sequences are looked up
# once, and not for each id.
BEGIN = Planned(
    "begin_recording",
    """
SELECT version,
    ARRAY(
        SELECT nextval((SELECT pg_get_serial_sequence('actions_action', 'id')::regclass)) FROM generate_series(1, %s)
    ),
    ARRAY(
        SELECT nextval((SELECT pg_get_serial_sequence('actions_actionevent', 'id')::regclass))
        FROM generate_series(1, %s)
    ),
    EXISTS (SELECT FROM actions_earlychange),
    ARRAY(
        SELECT a.id FROM unnest(%s::bigint[], %s::text[]) AS asked (tracker, order_id)
        JOIN actions_action a ON a.action_tracker_id = asked.tracker AND a.order_id = asked.order_id
    )
FROM partners_setup_version
""",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is known when the first report is taken."""

    setup_version: int
    placements: dict[int, Placement | Rejected]  # Of each new action, by the identity of its report.
    limits: Limits
    actions: KnownActions
    rates: Rates
    early: dict[OrderKey, list[Kept]]  # What waits for the new orders.
    ids: Iterator[int]  # For new actions.
    event_ids: list[int]  # One for each new action, if all events will be of new actions.
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

    def waiting(self, report: Report) -> Waiting | None:
        """How long a change waits for the order that it names; None if it does not, or the order is there."""
        if report.action_id is not None or self.actions.has_order(report):
            return None
        tracker_id = report.action_tracker_id or 0
        tracker = load_trackers({tracker_id}, self.setup_version).get(tracker_id)
        if tracker is None or report.campaign_id not in (None, tracker.program_id):
            return None
        wait = timedelta(minutes=tracker.program.early_changes_minutes)
        return Waiting(report.kind, tracker.pk, report.order_id, self.now + wait) if wait else None


def load_batch(reports: Sequence[Report], *, with_early: bool = True) -> Batch:
    """Read what `reports` refer to, and lock what they change until the transaction ends.

    With `with_early` also what waits for their orders.
    """
    new = ActionEvent.Kind.CREATED
    created = [report for report in reports if report.kind == new]
    begun = _begin(len(created), len(created) if len(created) == len(reports) else 0, _named(reports))
    early = waiting_for(_orders(created)) if created and begun.any_early and with_early else {}
    engagements = load_engagements(created, begun.setup_version)
    placements = {id(report): each for report, each in zip(created, engagements.place_all(created), strict=True)}
    placed = list({id(each): each for each in placements.values() if isinstance(each, Placement)}.values())
    limits = lock_limits([(each.credit.term, each.day) for each in placed if each.credit.term])
    actions = load_known_actions(reports, begun.known)
    rates = _load_rates(reports, placed, actions)
    now = timezone.now()
    ids = iter(begun.action_ids)
    return Batch(begun.setup_version, placements, limits, actions, rates, early, ids, begun.event_ids, now)


def _orders(reports: Sequence[Report]) -> set[OrderKey]:
    return {(report.action_tracker_id, report.order_id) for report in reports if report.action_tracker_id is not None}


def _named(reports: Sequence[Report]) -> set[NamedOrder]:
    return {
        (report.action_tracker_id, report.order_id)
        for report in reports
        if report.order_id and report.action_tracker_id is not None
    }


class _Begun(NamedTuple):
    """The number of the set-up as this transaction sees it, ids, whether any change waits, and known actions."""

    setup_version: int
    action_ids: list[int]
    event_ids: list[int]
    any_early: bool
    known: list[int]


def _begin(actions: int, events: int, orders: Collection[NamedOrder]) -> _Begun:
    """Ask for ids of so many new actions and events, and for the known actions of `orders`.

    Some ids may stay unused: gaps are harmless. One statement, because a report alone feels each.
    """
    trackers = ",".join([str(tracker) for tracker, _ in orders])
    values: list[Any] = [actions, events, f"{{{trackers}}}", [order_id for _, order_id in orders]]
    with connection.cursor() as cursor:
        cursor.execute(BEGIN.text, values)
        return _Begun(*cursor.fetchone())


def _load_rates(reports: Sequence[Report], placed: Sequence[Placement], actions: KnownActions) -> Rates:
    """The rates between all currencies that occur, on all days that occur."""
    states = actions.changeable()
    currencies = {report.currency for report in reports}
    for each in placed:
        currencies |= {each.tracker.program.currency, each.credit.partner.currency if each.credit.partner else ""}
    for state in states:
        currencies.update(state.currencies)
    return load_rates(currencies - {""}, {each.day for each in placed} | {state.day for state in states})
