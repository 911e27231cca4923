"""Spans of deliveries and their attempts, below the request that reported their event; none where that is not traced.

Like the log, a span holds neither the URL nor text from outside: only the host, the status and the class of the reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from postbacks.delivery.attempt_log import host_of
from postbacks.delivery.batch_tally import reason_class
from postbacks.delivery.claim import claimed_at
from postbacks.delivery.outcomes import Claimed, Delivered, GaveUp, Judged, Released, Sent
from postbacks.egress.answer import Answer
from tracing import marks, traces


def mark_of_attempt(claimed: Claimed) -> str:
    """The mark of the attempt that is about to be made, for receivers that are to know it; empty without a trace."""
    return marks.child_of(claimed.trace) if claimed.trace is not None and traces.are_on() else ""


def trace_attempts(batch: Iterable[Judged]) -> None:
    """Notes what was recorded now of traced deliveries: each from its claim to here, and in it the request."""
    if not traces.are_on():
        return
    now, clock = time.time(), time.monotonic()
    for judged in batch:
        if judged.claimed.trace is not None and not isinstance(judged.outcome, Released):
            _note(judged, judged.claimed.trace, now, now - (clock - claimed_at(judged.claimed)))


def _note(judged: Judged, below: str, now: float, claimed: float) -> None:
    about: dict[str, str | int] = {
        "postbacks.delivery": judged.claimed.delivery_id,
        "postbacks.postback": judged.claimed.postback_id,
        "postbacks.attempt": judged.claimed.attempt,
    }
    reason = reason_class(judged)
    if reason is not None:
        about["postbacks.reason"] = reason
    over = "delivered" if isinstance(judged.outcome, Delivered) else "failed"
    outcome = over if isinstance(judged.outcome, Delivered | GaveUp) else "retry"
    mark = marks.child_of(below)
    given_up = isinstance(judged.outcome, GaveUp)
    traces.note("deliver", below, claimed, now, {**about, "postbacks.outcome": outcome}, mark=mark, failed=given_up)
    if judged.sent is not None:
        _note_request(judged.sent, mark, about, failed=reason is not None)


def _note_request(sent: Sent, below: str, about: dict[str, str | int], *, failed: bool) -> None:
    request, began = sent.prepared.request, sent.started_at
    about = {**about, "http.request.method": request.method, "server.address": host_of(request.url)}
    if isinstance(sent.answer, Answer):
        about["http.response.status_code"] = sent.answer.status_code
    ended = began + sent.duration_seconds
    traces.note(request.method, below, began, ended, about, mark=request.trace, calls=True, failed=failed)
