"""One delivery on its way through a worker, a type for each stage: claimed → prepared → sent → judged."""

from __future__ import annotations

from typing import NamedTuple

from postbacks.delivery.access_tokens.store import Bearer
from postbacks.delivery.rate_limit import Window
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Failure
from postbacks.request.building import Request
from postbacks.verdicts.rules import Rules

# Tuples, not dataclasses: tens of thousands of each are made per second.


class Claimed(NamedTuple):
    """A delivery whose lease this process holds. `expires` is in seconds of the monotonic clock; `tenure` is as in
    `Ownership`."""

    delivery_id: int
    postback_id: int
    action_id: int
    attempt: int  # The number of the attempt to be made, from 1.
    event_kind: str
    priority: int
    known_as: str  # The delivery id that the receiver sees.
    parameters: str  # The event's frozen snapshot, as JSON text.
    expires: float
    tenure: int = 0
    trace: str | None = None  # The mark below which its attempts are traced.


class Prepared(NamedTuple):
    """A delivery with its request built. `window` is when it may leave, if its lane has a limit.

    `troubled`: failures of the lane are recorded, so that even a good answer is news. `probe`: it is the one delivery
    that goes out while the lane is held. `limit` is the lane's Maximum Requests, 0 for none. `bearer` is None without
    OAuth 2.0.
    """

    claimed: Claimed
    request: Request
    rules: Rules
    window: Window | None = None
    troubled: bool = False
    probe: bool = False
    limit: int = 0
    bearer: Bearer | None = None


class Sent(NamedTuple):
    """An attempt that was made, with its answer. `started_at` is the database's time, in seconds since 1970."""

    prepared: Prepared
    started_at: float
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
    """Not attempted: the delivery goes back to waiting unchanged."""


Outcome = Delivered | Retry | GaveUp | Released


class Judged(NamedTuple):
    """The outcome of a delivery. `sent` is None if no attempt was made; `probe` is as in `Prepared`."""

    claimed: Claimed
    outcome: Outcome
    sent: Sent | None
    probe: bool = False
