"""One delivery on its way through a worker, a type for each stage: claimed → prepared → sent → judged."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from postbacks.egress.answer import Answer
from postbacks.egress.failures import Failure
from postbacks.request.building import Request
from postbacks.verdicts.rules import Rules

# Tuples rather than dataclasses: tens of thousands of each are made per second.


class Claimed(NamedTuple):
    """A delivery that this process holds the lease of. `expires` is in seconds of the monotonic clock."""

    delivery_id: int
    postback_id: int
    action_id: int
    attempt: int  # The number of the attempt to be made, from 1.
    event_kind: str
    priority: int
    known_as: int  # The delivery id by which the receiver knows the event: its own, or that of the one it repeats.
    parameters: str  # The event's frozen snapshot, as JSON text.
    expires: float


class Prepared(NamedTuple):
    """Its request, built. `not_before` is its slot's time on the monotonic clock, for lanes with a limit.

    `troubled`: the lane's health is on record as less than good, so that also a good answer is news; `probe`: it is
    the one delivery that goes out while the lane is held.
    """

    claimed: Claimed
    request: Request
    rules: Rules
    not_before: float | None = None
    troubled: bool = False
    probe: bool = False


class Sent(NamedTuple):
    """An attempt that was made, with what came of it."""

    prepared: Prepared
    started_at: datetime
    duration_seconds: float
    answer: Answer | Failure


class Delivered(NamedTuple):
    reason: str


class Retry(NamedTuple):
    reason: str
    delay_seconds: float


class GaveUp(NamedTuple):
    reason: str


class Released(NamedTuple):
    """Not attempted: goes back to waiting as it was."""


Outcome = Delivered | Retry | GaveUp | Released


class Judged(NamedTuple):
    """What becomes of the delivery. `sent` is None when no attempt was made; `probe` as it was prepared."""

    claimed: Claimed
    outcome: Outcome
    sent: Sent | None
    probe: bool = False
