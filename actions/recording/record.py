"""The one way in: reports become actions and events, or are told why not.

One call is one transaction and a fixed number of queries, however many reports it takes. It reads what the reports
refer to and locks what they change (`batch`), works everything out in memory (`_take`), and writes it (`store`). Two
things hold under concurrency:

* An order is recorded once. A unique constraint decides: a second report at the same moment is turned back by
  it and starts over, and this time sees what the first has written.
* The ids of one action's events commit in order. An action's row is locked before its events take their ids, and a
  new action is out of reach for all others until it is committed.

What the database or an encoder refuses, and no check has foreseen, is found by halving (`refusals`): it costs one
report.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction

from actions.models import ActionEvent
from actions.recording.attribution import attributed
from actions.recording.batch import Batch, load_batch
from actions.recording.changes import work_out
from actions.recording.event_types import with_event_types
from actions.recording.new_action import new_action, within_limits
from actions.recording.refusals import REFUSALS, by_halves, is_refusal, named, refusal_of, starts_over
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, refused
from actions.recording.store import store
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.signals import action_events_recorded

_log = logging.getLogger(__name__)


def record(reports: Sequence[Report], *, also: Callable[[list[Result]], None] | None = None) -> list[Result]:
    """Record `reports` in their order, in one transaction; one result for each.

    A refused report does not touch the others. A later report may change an action that an earlier one creates.
    `also` is called with the results in the same transaction; what it writes is there or not as they are.

    Raises:
        django.db.Error: the database failed; nothing of this call is recorded.
    """
    refusal: Exception | None = None  # Of one of them, nobody knows which.
    while True:
        results: list[Result] | None = None
        try:
            with transaction.atomic():
                results = _record(reports) if refusal is None else _record_apart(reports, refusal)
                if also is not None:
                    also(results)
                return results
        except REFUSALS as error:
            if starts_over(error):
                continue
            if results is not None or refusal is not None or not is_refusal(error):
                raise
            refusal = error


def _record_apart(reports: Sequence[Report], error: Exception) -> list[Result]:
    """Record those that can be recorded; refuse the others."""
    refusals: list[Exception] = []

    def refuse(_: Report, error: Exception) -> RejectedResult:
        refusals.append(error)
        return refused(refusal_of(error))

    results = by_halves(reports, error, _record, refuse)
    _log.warning(
        "%d of %d reports cannot be stored and are refused; the first: %s.",
        len(refusals),
        len(reports),
        named((refusals or [error])[0]),
    )
    return results


def _record(reports: Sequence[Report]) -> list[Result]:
    named_reports = with_event_types(reports)
    taken = attributed([each for each in named_reports if isinstance(each, Report)])
    batch = load_batch(taken)
    coming = iter(taken)
    results = [_take(next(coming), batch) if isinstance(each, Report) else refused(each) for each in named_reports]
    events = [result.event for result in results if isinstance(result, Recorded)]
    if events:
        store(batch.actions.touched(), events)
        action_events_recorded.send(sender=ActionEvent, events=events, setup_version=batch.setup_version)
    return results


def _take(report: Report, batch: Batch) -> Result:
    """One report's story: its action is made or found, becomes what the report says, and is paid for."""
    try:
        return _create(report, batch) if report.kind == ActionEvent.Kind.CREATED else _change(report, batch)
    except Rejected as refusal:
        return refused(refusal)


def _create(report: Report, batch: Batch) -> Result:
    placement = batch.placement(report)
    repeated = batch.actions.repeated(placement.tracker, report)
    if repeated is not None:
        return Repeated(repeated)
    repeat = batch.actions.next_repeat(placement.tracker, report.order_id)
    state = new_action(next(batch.ids), report, placement, repeat=repeat, now=batch.now)
    kind, standing = work_out(state, report, batch.rates)
    event = state.become(kind, within_limits(state, standing, batch.limits))
    batch.actions.add(state)
    return Recorded(event)


def _change(report: Report, batch: Batch) -> Result:
    state = batch.actions.target(report)
    kind, standing = work_out(state, report, batch.rates)
    if standing == state.standing:
        return Repeated(state.action)
    return Recorded(state.become(kind, standing))
