"""Whether a destination is down: a lane's health, derived from the results of its attempts. Pure.

A long enough run of connection errors, timeouts, 429 and 5xx, over several actions, puts the lane on hold: only one
probe at a time, a real delivery, goes out, at growing intervals. Any other answer, even a refusal, shows that the
destination is alive and ends the hold. So does an answer whose body a rule judges as failed.

An attempt that never reached the destination says nothing about it: an address or a port that we do not call, a proxy
in between, a URL that cannot be called, an internal error. Nor does one on a connection that the server had kept open
and then closed, as every server does in the end. It neither changes a run nor ends a hold; if it was the probe, the
next probe goes out after the same wait, or at once if it was dropped with its connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from postbacks.delivery.outcomes import Delivered, Judged
from postbacks.egress.failures import Code, Failure

FAILURES_TO_HOLD = 10
ACTIONS_TO_HOLD = 3  # A single failing action must not hold the others.
FIRST_PROBE = timedelta(seconds=10)
LONGEST_PROBE_WAIT = timedelta(minutes=15)
GONE_ACTIONS_TO_PAUSE = 3

# Connection errors and timeouts; a server that does not speak proper HTTP counts as down, and a token server that
# gives no token holds its lane like a destination. All other failures are
# SILENT, including those that libcurl cannot name: a hold stops everything, so it needs evidence.
_DOWN = frozenset(
    {
        *(Code.DNS, Code.REFUSED, Code.CONNECT_TIMEOUT, Code.TLS, Code.TIMEOUT, Code.BROKEN, Code.BAD_ANSWER),
        Code.OAUTH_TOKEN,
    }
)


class Sign(Enum):
    """What the result of a delivery says about its destination."""

    ALIVE = "alive"
    DOWN = "down"
    GONE = "gone"  # 410: alive, but wants no more.
    SILENT = "silent"  # An attempt that never reached it: nothing.
    UNSENT = "unsent"  # No attempt was made, or it was dropped with a kept connection: nothing.


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one lane. `failed_actions` and `gone_actions` hold the distinct actions of the current run, up to
    the number that matters.

    While `held_since` is set, only a probe goes out, from `probe_at` on; `probe_wait` is the latest interval.
    """

    failures: int = 0
    failed_actions: tuple[int, ...] = ()
    gone_actions: tuple[int, ...] = ()
    held_since: datetime | None = None
    probe_at: datetime | None = None
    probe_wait: timedelta = FIRST_PROBE

    @property
    def pauses(self) -> bool:
        """True if the receiver answered 410 to enough different actions in a row that the postback is paused."""
        return len(self.gone_actions) >= GONE_ACTIONS_TO_PAUSE


def sign_of(judged: Judged) -> Sign:
    """The sign of a judged delivery. What the postback's rules accept is a sign of life, whatever its status."""
    if judged.sent is None:
        return Sign.UNSENT
    answer = judged.sent.answer
    if isinstance(answer, Failure):
        if answer.code is Code.DROPPED:
            return Sign.UNSENT
        return Sign.DOWN if answer.code in _DOWN else Sign.SILENT
    if isinstance(judged.outcome, Delivered):
        return Sign.ALIVE
    if answer.status_code == 429 or answer.status_code >= 500:
        return Sign.DOWN
    return Sign.GONE if answer.status_code == 410 else Sign.ALIVE


class Observation(NamedTuple):
    """One result in a lane: its sign, its action, and whether it was the probe of a hold."""

    sign: Sign
    action_id: int
    probe: bool = False


def advance(health: Health, news: Iterable[Observation], now: datetime) -> Health:
    """The lane's health after these results, in this order."""
    for one in news:
        health = _after_one(health, one, now)
    return health


def _after_one(health: Health, one: Observation, now: datetime) -> Health:
    match one.sign:
        case Sign.ALIVE:
            return Health()
        case Sign.GONE:
            return Health(gone_actions=_with(health.gone_actions, one.action_id, GONE_ACTIONS_TO_PAUSE))
        case Sign.SILENT | Sign.UNSENT:
            return _probe_again(health, one, now)
    if health.held_since is not None:
        return _probe_failed(health, now) if one.probe else health
    health = Health(
        failures=health.failures + 1,
        failed_actions=_with(health.failed_actions, one.action_id, ACTIONS_TO_HOLD),
    )
    if health.failures >= FAILURES_TO_HOLD and len(health.failed_actions) >= ACTIONS_TO_HOLD:
        return replace(health, held_since=now, probe_at=now + FIRST_PROBE)
    return health


def _probe_failed(health: Health, now: datetime) -> Health:
    wait = min(2 * health.probe_wait, LONGEST_PROBE_WAIT)
    return replace(health, probe_at=now + wait, probe_wait=wait)


def _probe_again(health: Health, one: Observation, now: datetime) -> Health:
    """After a probe that says nothing, the next goes out after the same wait, or at once if nothing was sent."""
    if not one.probe or health.held_since is None:
        return health
    return replace(health, probe_at=now if one.sign is Sign.UNSENT else now + health.probe_wait)


def _with(actions: tuple[int, ...], action_id: int, most: int) -> tuple[int, ...]:
    return actions if action_id in actions or len(actions) >= most else (*actions, action_id)
