"""What the screen of an owner's postbacks shows for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from postbacks.metrics.backlog import COUNTED_UP_TO, shown, waiting_of
from postbacks.metrics.read import Sums, by_postback, catch_up
from postbacks.models import Postback, Rollup
from postbacks.state import State, state_of

_HOURS = 24


@dataclass(frozen=True, slots=True)
class Row:
    """A postback, its state, and its last 24 hours: the current one and the 23 before it.

    `success_percent` is the share of delivered ones among those delivered or failed, `p95_ms` the duration that 95 % of
    the requests did not exceed; None if there were none. `waiting` is the number of unfinished deliveries, as text.
    """

    postback: Postback
    calls: str
    state: State
    sent: int
    success_percent: float | None
    p95_ms: float | None
    waiting: str


def rows_of(postbacks: Sequence[Postback]) -> list[Row]:
    """The rows of postbacks loaded with their event type and lane; two or three queries in all."""
    catch_up()
    keys = [postback.pk for postback in postbacks]
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)
    sums = by_postback(Rollup.Period.HOUR, since, keys)
    waiting = waiting_of(keys)
    return [_row(each, sums.get(each.pk, Sums()), waiting.get(each.pk, 0)) for each in postbacks]


def place_called(url: str) -> str:
    """Host and path of a URL template, without the query, which may contain tokens."""
    parts = urlsplit(url.partition("?")[0])
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _row(postback: Postback, sums: Sums, waiting: int) -> Row:
    rate = sums.success_rate
    return Row(
        postback=postback,
        calls=place_called(postback.url),
        state=state_of(postback),
        sent=sums.attempts,
        success_percent=None if rate is None else rate * 100,
        p95_ms=sums.took_ms(0.95),
        waiting=shown(waiting, COUNTED_UP_TO),
    )
