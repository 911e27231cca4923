"""The one way in: reports become actions and events, or are told why not.

One call is one transaction and a fixed number of queries, however many reports it takes; for a few reports, most of
them go together (`messages`). It reads what the reports
refer to and locks what they change (`batch`), works everything out in memory (`taking`), and writes it (`store`). Two
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
from typing import Final

from actions.recording.attribution import attributed
from actions.recording.batch import load_batch
from actions.recording.event_types import with_event_types
from actions.recording.holding import SAYS_SO
from actions.recording.messages import Messages, few_messages, put_off
from actions.recording.planned import BY_INDEX, plan_once, was_mixed_up
from actions.recording.refusals import REFUSALS, is_refusal, named, refusal_of, starts_over, taken_apart
from actions.recording.results import RejectedResult, Result, refused
from actions.recording.taking import Recording
from actions.reports.report import Report

_log = logging.getLogger(__name__)

# Otherwise the database takes this for a process of the release before, and has it wait for what is queued.
KNOWS_QUEUE: Final = "SET LOCAL postbacks.knows_queue = 'yes'"


def record(
    reports: Sequence[Report],
    *,
    first: Callable[[], None] | None = None,
    also: Callable[[list[Result]], None] | None = None,
    keep_early: bool = True,
) -> list[Result]:
    """Record `reports` in their order, in one transaction; one result for each.

    A refused report does not touch the others. A report may change an action that another one of them creates, before
    it or after it. A change whose order does not come is `Waiting`, unless `keep_early` is off: the caller keeps it
    (`keeping`), or it is forgotten. `first` is called at the beginning of the transaction, `also` with the results at
    its end, both again each time that it begins anew. What they write is there or not as the results are; what they put
    off (`messages`) takes no message of its own.

    Raises:
        django.db.Error: the database failed; nothing of this call is recorded.
    """
    plan_once()
    apart = False
    while True:
        results: list[Result] | None = None
        messages = Messages()
        try:
            with few_messages(messages):
                put_off(KNOWS_QUEUE)
                put_off(SAYS_SO)
                put_off(BY_INDEX)
                if first is not None:
                    first()
                results = (_record_apart if apart else _record)(reports, keep_early=keep_early)
                if also is not None:
                    also(results)
                return results
        except REFUSALS as error:
            if starts_over(error) or was_mixed_up(error):
                continue
            # With the results there, `also` is at fault, unless it has sent what they had put off.
            if apart or not is_refusal(error) or (results is not None and not messages.failed):
                raise
            apart = True  # One of them is at fault, and nobody knows which.


def _record_apart(reports: Sequence[Report], *, keep_early: bool) -> list[Result]:
    """Record those that can be recorded; refuse the others.

    What waits for their orders stays: it may be what cannot be recorded. The next look takes it, each by itself.
    """
    refusals: list[Exception] = []

    def take(some: Sequence[Report]) -> list[Result]:
        return _record(some, keep_early=keep_early, with_early=False)

    def refuse(_: Report, error: Exception) -> RejectedResult:
        refusals.append(error)
        return refused(refusal_of(error))

    results = taken_apart(reports, take, refuse)
    if refusals:
        text = "%d of %d reports cannot be stored and are refused; the first: %s."
        _log.warning(text, len(refusals), len(reports), named(refusals[0]))
    return results


def _record(reports: Sequence[Report], *, keep_early: bool, with_early: bool = True) -> list[Result]:
    known = with_event_types(reports)
    taken = attributed([each for each in known if isinstance(each, Report)])
    recording = Recording(load_batch(taken, with_early=with_early), keep_early=keep_early)
    coming = iter(taken)
    for each in known:
        recording.take(next(coming) if isinstance(each, Report) else each)
    recording.write()
    return recording.results
