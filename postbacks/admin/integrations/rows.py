"""What lists of postbacks show for each of them: those of a partner or a network, and all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from postbacks.delivery_log.counted import Counted, Window, attempts, failed_attempts, failed_because
from postbacks.delivery_log.failing import Failing, failing_among
from postbacks.metrics.backlog import COUNTED_UP_TO, shown, waiting_of
from postbacks.metrics.read import Sums, by_postback, catch_up, one_moment
from postbacks.models import Postback, Rollup
from postbacks.state import State, state_of

_HOURS = 24


@dataclass(frozen=True, slots=True)
class Row:
    """A postback, its state, and its last 24 hours: the current one and the 23 before it.

    The percentages are of deliveries that were delivered among those that were delivered or failed, of all attempts
    that succeeded, and of first attempts that did; `p95_ms` is the duration that 95 % of the requests did not exceed.
    All are None if there were none. `waiting` is the number of unfinished deliveries, as text; `failing` says why the
    postback is failing, and `because` leads to the failures of that reason.
    """

    postback: Postback
    calls: str
    state: State
    sent: Counted
    failed: Counted
    success_percent: float | None
    attempts_percent: float | None
    first_percent: float | None
    p95_ms: float | None
    waiting: str
    failing: Failing | None
    because: Counted | None


def last_day(now: datetime) -> datetime:
    """When the 24 hours begin that lists cover: the current one and the 23 before it."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)


def rows_of(postbacks: Sequence[Postback]) -> list[Row]:
    """The rows of postbacks loaded with their event type and lane, in a fixed number of queries."""
    catch_up()
    keys = [postback.pk for postback in postbacks]
    with one_moment() as now:
        window = Window(last_day(now), now)
        sums = by_postback(Rollup.Period.HOUR, window.since, keys)
        waiting = waiting_of(keys)
        failing = failing_among(sums, now)
    return [
        _row(each, sums.get(each.pk, Sums()), waiting.get(each.pk, 0), failing.get(each.pk), window)
        for each in postbacks
    ]


def place_called(url: str) -> str:
    """Host and path of a URL template, without the query, which may contain tokens."""
    parts = urlsplit(url.partition("?")[0])
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


class Rates:
    """The three rates of success of what has `sums`, in percent; None where there is nothing to count."""

    __slots__ = ()
    sums: Sums

    @property
    def success_percent(self) -> float | None:
        return percent(self.sums.success_rate)

    @property
    def attempts_percent(self) -> float | None:
        return percent(self.sums.attempt_success_rate)

    @property
    def first_percent(self) -> float | None:
        return percent(self.sums.first_success_rate)


def percent(rate: float | None) -> float | None:
    return None if rate is None else rate * 100


def _row(postback: Postback, sums: Sums, waiting: int, failing: Failing | None, window: Window) -> Row:
    return Row(
        postback=postback,
        calls=place_called(postback.url),
        state=state_of(postback, failing.text if failing else ""),
        sent=attempts(sums, window, postback.pk),
        failed=failed_attempts(sums, window, postback.pk),
        success_percent=percent(sums.success_rate),
        attempts_percent=percent(sums.attempt_success_rate),
        first_percent=percent(sums.first_success_rate),
        p95_ms=sums.took_ms(0.95),
        waiting=shown(waiting, COUNTED_UP_TO),
        failing=failing,
        because=failed_because(sums, failing.why, window, postback.pk) if failing else None,
    )
