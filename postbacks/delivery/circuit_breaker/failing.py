"""Whether a postback is failing: most of what it sends is refused, whatever becomes of it in the end. Pure.

A hold needs a destination that is down. A postback whose success rule is wrong, or whose URL the receiver no longer
knows, has one that answers: each attempt fails and is repeated for days, and until then no delivery has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LATEST: Final = 20  # Attempts that are looked at.
WITHIN: Final = timedelta(hours=24)  # Older ones say nothing of today.
ACTIONS_TO_FAIL: Final = 3  # A single failing action is its own fault.


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: when its result was recorded, of which action, and whether it succeeded."""

    at: datetime
    action_id: int
    succeeded: bool


def is_failing(latest: Sequence[Tried], now: datetime) -> bool:
    """Whether at least half of the latest attempts of a postback failed, over at least `ACTIONS_TO_FAIL` actions.

    `latest` has them newest first; only the first `LATEST` count, and of these only those within the last day. Fewer
    are judged as they are: a postback that sends little fails as well.
    """
    counting = [each for each in latest[:LATEST] if now - each.at <= WITHIN]
    failed = [each for each in counting if not each.succeeded]
    return 2 * len(failed) >= len(counting) and len({each.action_id for each in failed}) >= ACTIONS_TO_FAIL
