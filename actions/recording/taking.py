"""One pass over the reports of a call, in memory: each finds or makes its action, and what becomes of it."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from actions.models import Action, ActionEvent
from actions.recording.batch import Batch
from actions.recording.changes import work_out
from actions.recording.early_changes import Kept, OrderKey, settle
from actions.recording.new_action import Template, new_action, template_of, within_limits
from actions.recording.results import Recorded, Repeated, Result, Waiting, refused
from actions.recording.store import store, take_ids
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.signals import action_events_recorded

_CREATED: Final = ActionEvent.Kind.CREATED  # Python 3.11 takes longer to look it up than to compare it.


class Recording:
    """Takes reports in their order; `results` has one for each. Nothing is written before `write`."""

    def __init__(self, batch: Batch, *, keep_early: bool) -> None:
        self.results: list[Result] = []
        self._batch = batch
        self._templates: dict[int, Template] = {}  # By the identity of the placement.
        self._keep_early = keep_early
        self._events: list[ActionEvent] = []  # In the order in which they happen.
        self._waiting: dict[OrderKey, list[tuple[int, Report]]] = defaultdict(list)  # Of this call, with their places.
        self._ended: list[tuple[Kept, Result]] = []

    def take(self, report: Report | Rejected) -> None:
        """Take the next report. What waits for the order that it creates is taken right after it."""
        result = self._result(report)
        self.results.append(result)
        if isinstance(result, Waiting) and isinstance(report, Report):
            self._waiting[result.action_tracker_id, result.order_id].append((len(self.results) - 1, report))
        elif isinstance(result, Recorded) and (self._waiting or self._batch.early) and result.event.kind == _CREATED:
            self._take_early(result.event.action)

    def write(self) -> None:
        """Write what has become of all of them, and announce the events."""
        if self._events:
            take_ids(self._events, self._batch.event_ids)
            store(self._batch.actions.touched(), self._events)
            action_events_recorded.send(
                sender=ActionEvent, events=self._events, setup_version=self._batch.setup_version
            )
        settle(self._ended)

    def _take_early(self, action: Action) -> None:
        order = action.action_tracker_id, action.order_id
        for kept in self._batch.early.pop(order, ()):
            self._ended.append((kept, self._result(kept.report)))
        for place, report in self._waiting.pop(order, ()):
            self.results[place] = self._result(report)

    def _result(self, report: Report | Rejected) -> Result:
        """One report's story: its action is made or found, becomes what the report says, and is paid for."""
        if isinstance(report, Rejected):
            return refused(report)
        try:
            result = self._create(report) if report.kind == _CREATED else self._change(report)
        except Rejected as refusal:
            return (self._keep_early and self._wait(report)) or refused(refusal)
        if isinstance(result, Recorded):
            if report.trace is not None:
                result.event.trace = report.trace
            self._events.append(result.event)
        return result

    def _wait(self, report: Report) -> Waiting | None:
        """How long the refused report waits, if it is a change that came before its order."""
        return None if report.kind == _CREATED else self._batch.waiting(report)

    def _create(self, report: Report) -> Result:
        batch = self._batch
        placement = batch.placement(report)
        repeated = batch.actions.repeated(placement.tracker, report)
        if repeated is not None:
            return Repeated(repeated)
        repeat = batch.actions.next_repeat(placement.tracker, report.order_id)
        template = self._templates.get(id(placement))
        if template is None:
            template = self._templates[id(placement)] = template_of(placement, report)
        state = new_action(next(batch.ids), report, template, repeat=repeat, now=batch.now)
        kind, standing = work_out(state, report, batch.rates)
        state.keep_rates(batch.rates)
        event = state.become(kind, within_limits(state, standing, batch.limits))
        batch.actions.add(state)
        return Recorded(event)

    def _change(self, report: Report) -> Result:
        state = self._batch.actions.target(report)
        rates = state.known_rates(self._batch.rates)
        kind, standing = work_out(state, report, rates)
        if standing == state.standing:
            return Repeated(state.action)
        state.keep_rates(rates)
        return Recorded(state.become(kind, standing))
