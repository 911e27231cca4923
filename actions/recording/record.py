"""The one door in: reports become actions and events, or are told why not.

One call is one transaction and a fixed number of queries, however many reports it takes. It reads what the reports
refer to, locks what they change, works everything out in memory, and writes it. Two things hold under concurrency:

* An order is recorded once. A unique constraint decides: whoever comes second at the same moment is turned back by
  it and starts over, and this time sees what the first has written.
* The ids of one action's events commit in order. An action's row is locked before its events take their ids, and a
  new action is out of reach for all others until it is committed.

Locks are taken in one order everywhere (limited terms, actions, new order ids; each sorted), so recordings never wait
for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from actions.models import ActionEvent
from actions.recording import life
from actions.recording.attribution import attributed
from actions.recording.credit import Credit, Engagements, load_engagements
from actions.recording.currency import Rates, load_rates
from actions.recording.limits import lock_limits
from actions.recording.orders import Order, load_orders
from actions.recording.outcomes import Outcome, Recorded, Repeated, refused
from actions.recording.store import begin, store
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.signals import action_events_recorded
from partners.models import ActionTracker

ORDER_ID_CONSTRAINT = "order_id_once_per_window"


def record(reports: Sequence[Report], *, also: Callable[[list[Outcome]], None] | None = None) -> list[Outcome]:
    """Record `reports` in their order, in one transaction; one outcome for each.

    A refused report does not touch the others. A later report may change an action that an earlier one creates.
    `also` is called with the outcomes in the same transaction; what it writes is there or not as they are.

    Raises:
        django.db.Error: the database failed; nothing of this call is recorded.
    """
    while True:
        try:
            with transaction.atomic():
                outcomes = _record(reports)
                if also is not None:
                    also(outcomes)
                return outcomes
        except IntegrityError as error:
            if not _same_order_at_once(error):
                raise


def _same_order_at_once(error: IntegrityError) -> bool:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) == ORDER_ID_CONSTRAINT


def _record(reports: Sequence[Report]) -> list[Outcome]:
    reports = attributed(reports)
    batch = _Batch(reports)
    outcomes = [batch.take(report) for report in reports]
    events = [outcome.event for outcome in outcomes if isinstance(outcome, Recorded)]
    if events:
        store(batch.orders.touched(), events)
        action_events_recorded.send(sender=ActionEvent, events=events, setup_version=batch.setup_version)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Placed:
    """A new action's event type, and who is credited with it."""

    tracker: ActionTracker
    credit: Credit
    day: date  # Of its event date, as reported.


class _Batch:
    """Everything that the reports of one call need, read and locked once."""

    def __init__(self, reports: Sequence[Report]) -> None:
        created = [report for report in reports if report.kind == ActionEvent.Kind.CREATED]
        self.setup_version, ids = begin(len(created))
        engagements = load_engagements(created, self.setup_version)
        self._placed = {id(report): _place(report, engagements) for report in created}
        placed = [each for each in self._placed.values() if isinstance(each, _Placed)]
        self._limits = lock_limits([(each.credit.term, each.day) for each in placed if each.credit.term])
        self.orders = load_orders(reports)
        self._rates = _load_rates(reports, placed, self.orders.touchable())
        self._ids = iter(ids)
        self._now = timezone.now()

    def take(self, report: Report) -> Outcome:
        try:
            if report.kind == ActionEvent.Kind.CREATED:
                return self._create(report)
            order = self.orders.target(report)
            event = life.change(order, report, self._rates)
        except Rejected as refusal:
            return refused(refusal)
        return Repeated(order.action) if event is None else Recorded(event)

    def _create(self, report: Report) -> Outcome:
        placed = self._placed[id(report)]
        if isinstance(placed, Rejected):
            raise placed
        repeated = self.orders.repeated(placed.tracker, report)
        if repeated is not None:
            return Repeated(repeated)
        order, event = life.create(
            next(self._ids),
            report,
            placed.tracker,
            placed.credit,
            repeat=self.orders.next_repeat(placed.tracker, report.order_id),
            rates=self._rates,
            limits=self._limits,
            now=self._now,
        )
        self.orders.add(order)
        return Recorded(event)


def _place(report: Report, engagements: Engagements) -> _Placed | Rejected:
    if report.event_date is None:
        raise ValueError("A new action has an event date.")
    day = report.event_date.date()
    try:
        tracker = engagements.tracker_of(report)
    except Rejected as refusal:
        return refusal
    return _Placed(tracker, engagements.credit(report, tracker, day), day)


def _load_rates(reports: Sequence[Report], placed: Sequence[_Placed], orders: Sequence[Order]) -> Rates:
    """The rates between all currencies that occur, on all days that occur."""
    currencies = {report.currency for report in reports if report.currency}
    for each in placed:
        currencies.add(each.tracker.program.currency)
        if each.credit.partner:
            currencies.add(each.credit.partner.currency)
    for order in orders:
        currencies |= {order.action.program.currency, order.action.original_currency}
        if order.action.partner:
            currencies.add(order.action.partner.currency)
    return load_rates(currencies, {each.day for each in placed} | {order.day for order in orders})
