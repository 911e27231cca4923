"""Which postbacks are failing now, and why, in words.

To read the attempts of each of thousands of postbacks would take seconds. The roll-ups of the last day say which had
failures at all, in one statement; of these only those are looked at of whose attempts the largest share failed, in the
last day or lately, each by one step into the index `attempt_latest`, which ends after twenty entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from postbacks.database import as_array
from postbacks.delivery.circuit_breaker.failing import ACTIONS_TO_FAIL, LATEST, WITHIN, Tried, is_failing
from postbacks.metrics.backlog import waiting_of
from postbacks.metrics.read import Sums, counts_by_postback
from postbacks.models import Rollup
from stores.replica import reading

MOST_LOOKED_AT: Final = 200  # Postbacks; each costs a tenth of a millisecond.
_LATELY: Final = timedelta(hours=1)  # Roll-ups of hours that begin since then: the current one.
_RANKED: Final = 50  # By what they cost; nobody reads further.
_COSTS_UP_TO: Final = 1_000  # Waiting deliveries that are counted for the rank.

# Of postbacks with fewer failures among the latest, whatever their age, `is_failing` says no without reading them.
_LATEST = """
SELECT p.id, a.recorded_at, d.action_id, a.succeeded, a.why, a.reason
FROM (
    SELECT id FROM unnest(%(postbacks)s::bigint[]) AS suspect (id) WHERE %(failures)s <= (
        SELECT count(*) FROM (
            SELECT succeeded FROM postbacks_attempt WHERE postback_id = suspect.id ORDER BY id DESC LIMIT %(latest)s
        ) latest WHERE NOT succeeded
    )
) p
CROSS JOIN LATERAL (
    SELECT id, delivery_id, recorded_at, succeeded, why, reason FROM postbacks_attempt
    WHERE postback_id = p.id ORDER BY id DESC LIMIT %(latest)s
) a
JOIN postbacks_delivery d ON d.id = a.delivery_id
ORDER BY p.id, a.id DESC
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """`failed` of the latest `tried` attempts; `why` is the most frequent reason, as a code and in words."""

    failed: int
    tried: int
    why: str
    reason: str

    @property
    def text(self) -> str:
        return f"{self.failed} of the last {self.tried} attempts failed: {self.reason.rstrip('.')}."


def failing_now(now: datetime) -> dict[int, Failing]:
    """All that are failing; a held or paused postback counts by what it did before."""
    return failing_among(counts_by_postback(Rollup.Period.HOUR, now - WITHIN), now)


def failing_among(counts: Mapping[int, Sums], now: datetime) -> dict[int, Failing]:
    """Those of the postbacks that are failing; `counts` are what each recorded in the last day."""
    suspects = [pk for pk, sums in counts.items() if sums.failed_attempts >= ACTIONS_TO_FAIL]
    if len(suspects) > MOST_LOOKED_AT:
        # A busy one that broke a moment ago has few failures for its day, but many for this hour.
        lately = counts_by_postback(Rollup.Period.HOUR, now - _LATELY)
        suspects.sort(key=lambda pk: -max(_share(counts[pk]), _share(lately.get(pk))))
    return _judged(suspects[:MOST_LOOKED_AT])


def _share(sums: Sums | None) -> float:
    return sums.failed_attempts / sums.attempts if sums and sums.attempts else 0.0


def costliest_first(failing: Iterable[int], counts: Mapping[int, Sums]) -> list[int]:
    """The failing postbacks by how many deliveries failed in the last day and wait now, the most first."""
    order = sorted(failing, key=lambda pk: (-counts[pk].failed_attempts, pk))
    waiting = waiting_of(order[:_RANKED], _COSTS_UP_TO)
    first = sorted(order[:_RANKED], key=lambda pk: -(counts[pk].failed + waiting.get(pk, 0)))
    return first + order[_RANKED:]


def _judged(postbacks: Iterable[int]) -> dict[int, Failing]:
    now = timezone.now()
    found: dict[int, list[tuple[Tried, str, str]]] = {}
    with reading.cursor() as cursor:
        values: dict[str, Any] = {"postbacks": as_array(postbacks), "failures": ACTIONS_TO_FAIL, "latest": LATEST}
        cursor.execute(_LATEST, values)
        for postback, at, action, succeeded, why, reason in cursor.fetchall():
            found.setdefault(postback, []).append((Tried(at, action, succeeded), why, reason))
    return {
        postback: _failing(latest, now)
        for postback, latest in found.items()
        if is_failing([tried for tried, _, _ in latest], now)
    }


def _failing(latest: list[tuple[Tried, str, str]], now: datetime) -> Failing:
    counting = [each for each in latest if now - each[0].at <= WITHIN]
    failed = [(why, reason) for tried, why, reason in counting if not tried.succeeded]
    ((why, reason), _), *_ = Counter(failed).most_common(1)
    return Failing(len(failed), len(counting), why, reason)
