"""What a batch of the recorder adds to the counters of the roll-ups. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

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
_MS_PER_SECOND = 1000


def reason_class(judged: Judged) -> str | None:
    """One of `reasons.LABELS` for a failure; None for a success, and for a delivery returned without an attempt."""
    if judged.sent is None:
        return UNBUILDABLE if isinstance(judged.outcome, GaveUp) else None
    return None if isinstance(judged.outcome, Delivered) else why_failed(judged.sent.answer)


def tally(
    batch: Sequence[Judged], ended: Mapping[int, float | None], attempts: Collection[Judged]
) -> dict[int, Counter[str]]:
    """Counts what the recorder wrote, by postback.

    `ended` holds the deliveries that were actually changed; a finished one comes with its lag in seconds.
    `attempts` are the members of the batch whose attempt had not been recorded before.
    """
    counts: dict[int, Counter[str]] = {}
    # `Counter` groups equal ones first, in C: a batch has few kinds.
    for (lane, ok, first, took, why), number in Counter(
        (j.claimed.postback_id, isinstance(j.outcome, Delivered), j.claimed.attempt == 1, _took(j), reason_class(j))
        for j in attempts
    ).items():
        of_lane = counts.setdefault(lane, Counter())
        of_lane["attempts"] += number
        of_lane[took] += number
        if ok:
            of_lane["succeeded"] += number
        if first:
            of_lane[FIRST] += number
        if first and ok:
            of_lane[FIRST_SUCCEEDED] += number
        if why is not None:
            of_lane[f"{WHY}{why}"] += number
    for (lane, state, lag, why), number in Counter(_finished(batch, ended)).items():
        of_lane = counts.setdefault(lane, Counter())
        of_lane[state] += number
        of_lane[f"{LAG}{lag}"] += number
        if why is not None:
            of_lane[f"{WHY}{why}"] += number
    _add_sums(counts, batch, ended, attempts)
    return counts


def _add_sums(
    counts: Mapping[int, Counter[str]],
    batch: Iterable[Judged],
    ended: Mapping[int, float | None],
    attempts: Iterable[Judged],
) -> None:
    took: defaultdict[int, float] = defaultdict(float)
    late: defaultdict[int, float] = defaultdict(float)
    for judged in attempts:
        if judged.sent is not None:
            took[judged.claimed.postback_id] += judged.sent.duration_seconds
    for judged in batch:
        seconds = ended.get(judged.claimed.delivery_id)
        if seconds is not None and seconds > 0:
            late[judged.claimed.postback_id] += seconds
    for lane, total in took.items():
        counts[lane][TOOK_SUM] += round(total * TOOK_PER_SECOND)
    for lane, total in late.items():
        counts[lane][LAG_SUM] += round(total * LAG_PER_SECOND)


def _took(judged: Judged) -> str:
    return _TOOK[place(TOOK_MS, judged.sent.duration_seconds * _MS_PER_SECOND)] if judged.sent is not None else ""


def _finished(batch: Iterable[Judged], ended: Mapping[int, float | None]) -> Iterable[tuple[int, str, int, str | None]]:
    for judged in batch:
        if isinstance(judged.outcome, Delivered | GaveUp) and judged.claimed.delivery_id in ended:
            state = "delivered" if isinstance(judged.outcome, Delivered) else "failed"
            why = reason_class(judged) if judged.sent is None else None  # Those of attempts are counted above.
            lag = place(LAG_SECONDS, ended[judged.claimed.delivery_id] or 0.0)
            yield judged.claimed.postback_id, state, lag, why
