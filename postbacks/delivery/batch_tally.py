"""What a batch of the recorder adds to the counters of the roll-ups. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from postbacks.delivery.outcomes import Delivered, GaveUp, Judged
from postbacks.metrics.counters import (
    FIRST,
    FIRST_SUCCEEDED,
    LAG,
    LAG_PER_SECOND,
    LAG_SECONDS,
    LAG_SUM,
    TOOK,
    TOOK_MS,
    TOOK_PER_SECOND,
    TOOK_SUM,
    WHY,
    place,
)
from postbacks.metrics.reasons import UNBUILDABLE, why_failed

_TOOK = [f"{TOOK}{number}" for number in range(len(TOOK_MS) + 1)]
_LAG = [f"{LAG}{number}" for number in range(len(LAG_SECONDS) + 1)]
_MS_PER_SECOND = 1000

Counts = defaultdict[int, defaultdict[str, int]]  # By postback.


def reason_class(judged: Judged) -> str | None:
    """One of `reasons.LABELS` for a failure; None for a success, and for a delivery returned without an attempt."""
    if judged.sent is None:
        return UNBUILDABLE if isinstance(judged.outcome, GaveUp) else None
    return None if isinstance(judged.outcome, Delivered) else why_failed(judged.sent.answer)


def tally(batch: Iterable[Judged], ended: Mapping[int, float | None], attempts: Iterable[Judged]) -> Counts:
    """Counts what the recorder wrote, by postback.

    `ended` holds the deliveries that were actually changed; a finished one comes with its lag in seconds.
    `attempts` are the members of the batch whose attempt had not been recorded before.
    """
    # Plain loops: a batch of many postbacks has hardly two outcomes that are alike, so grouping them first costs more.
    counts: Counts = defaultdict(lambda: defaultdict(int))
    _count_attempts(counts, attempts)
    _count_ended(counts, batch, ended)
    return counts


def _count_attempts(counts: Counts, attempts: Iterable[Judged]) -> None:
    took: defaultdict[int, float] = defaultdict(float)
    for judged in attempts:
        claimed, outcome, sent, _probe = judged
        lane = claimed.postback_id
        of_lane = counts[lane]
        of_lane["attempts"] += 1
        first = claimed.attempt == 1
        if first:
            of_lane[FIRST] += 1
        if isinstance(outcome, Delivered):
            of_lane["succeeded"] += 1
            if first:
                of_lane[FIRST_SUCCEEDED] += 1
        elif (why := reason_class(judged)) is not None:
            of_lane[f"{WHY}{why}"] += 1
        if sent is not None:
            of_lane[_TOOK[place(TOOK_MS, sent.duration_seconds * _MS_PER_SECOND)]] += 1
            took[lane] += sent.duration_seconds
    for lane, seconds in took.items():
        counts[lane][TOOK_SUM] += round(seconds * TOOK_PER_SECOND)


def _count_ended(counts: Counts, batch: Iterable[Judged], ended: Mapping[int, float | None]) -> None:
    late: defaultdict[int, float] = defaultdict(float)
    for judged in batch:
        claimed, outcome, sent, _probe = judged
        if claimed.delivery_id not in ended or not isinstance(outcome, Delivered | GaveUp):
            continue
        lane = claimed.postback_id
        of_lane = counts[lane]
        of_lane["delivered" if isinstance(outcome, Delivered) else "failed"] += 1
        lag = ended[claimed.delivery_id] or 0.0
        of_lane[_LAG[place(LAG_SECONDS, lag)]] += 1
        if lag > 0:
            late[lane] += lag
        if sent is None and (why := reason_class(judged)) is not None:  # Those of attempts are counted with them.
            of_lane[f"{WHY}{why}"] += 1
    for lane, seconds in late.items():
        counts[lane][LAG_SUM] += round(seconds * LAG_PER_SECOND)
