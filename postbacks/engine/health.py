"""Whether a destination is down: how a lane's health follows from what came of its attempts. Pure.

A run of connection errors, timeouts, 429 and 5xx, long enough and of several actions, puts the lane on hold: nothing
goes out but one probe at a time, a real delivery, at growing intervals. Any other answer, also a refusal, shows that
somebody is there and ends the hold. A body that a rule judges failed says nothing about the destination.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from postbacks.engine.stages import Delivered, Fate, Sent
from postbacks.transport import Answer

FAILURES_TO_HOLD = 10
ACTIONS_TO_HOLD = 3  # One poisonous action must not hold the others.
FIRST_PROBE = timedelta(seconds=10)
LONGEST_PROBE_WAIT = timedelta(minutes=15)
GONE_ACTIONS_TO_PAUSE = 3


class Sign(Enum):
    """What an attempt says of its destination; what came of a probe is told apart from what was under way before."""

    ALIVE = "alive"
    DOWN = "down"
    GONE = "gone"  # 410: alive, but it wants no more.


@dataclass(frozen=True, slots=True)
class Health:
    """Of one lane. `failed_actions` and `gone_actions` hold the different actions of the current run, up to as many as
    matter.

    While `held_since` is set, nothing but a probe goes out, from `probe_at` on; `probe_wait` is the latest interval.
    """

    failures: int = 0
    failed_actions: tuple[int, ...] = ()
    gone_actions: tuple[int, ...] = ()
    held_since: datetime | None = None
    probe_at: datetime | None = None
    probe_wait: timedelta = FIRST_PROBE

    @property
    def pauses(self) -> bool:
        """True when the receiver has said 410 to so many different actions in a row that the postback is paused."""
        return len(self.gone_actions) >= GONE_ACTIONS_TO_PAUSE


def sign_of(sent: Sent, fate: Fate) -> Sign:
    """What an attempt says. A postback's rules may accept any status: what they accept is a sign of life."""
    answer = sent.answer
    if isinstance(fate, Delivered):
        return Sign.ALIVE
    if not isinstance(answer, Answer) or answer.status_code == 429 or answer.status_code >= 500:
        return Sign.DOWN
    return Sign.GONE if answer.status_code == 410 else Sign.ALIVE


class News(NamedTuple):
    """One attempt of a lane: what it says, of which action it was, and whether it was the probe of a hold."""

    sign: Sign
    action_id: int
    probe: bool = False


def advance(health: Health, news: Iterable[News], now: datetime) -> Health:
    """The lane's health after these attempts, in their order."""
    for one in news:
        health = _after_one(health, one, now)
    return health


def _after_one(health: Health, one: News, now: datetime) -> Health:
    match one.sign:
        case Sign.ALIVE:
            return Health()
        case Sign.GONE:
            return Health(gone_actions=_with(health.gone_actions, one.action_id, GONE_ACTIONS_TO_PAUSE))
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


def _with(actions: tuple[int, ...], action_id: int, most: int) -> tuple[int, ...]:
    return actions if action_id in actions or len(actions) >= most else (*actions, action_id)
