"""Lanes with a limit: how many slots are free, slots for what was claimed, and when to look again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from redis.exceptions import RedisError

from postbacks.delivery import rate_limit, ready_queue
from postbacks.delivery.capacity import Capacity
from postbacks.delivery.outcomes import Claimed
from postbacks.delivery.outgoing import Outgoing, Timed
from postbacks.delivery.setups import Setup

logger = logging.getLogger(__name__)

# A lane is looked at again not for every single slot, but once half the horizon is free.
HALF_HORIZON_SECONDS = rate_limit.HORIZON_MS / 2000


class Pacing:
    """Keeps no state: the slots are in Redis, the times to look again in the capacity."""

    def __init__(self, capacity: Capacity, outgoing: Outgoing) -> None:
        self._capacity = capacity
        self._outgoing = outgoing

    def look(self, usable: Sequence[Setup]) -> dict[int, int]:
        """How many slots are free within the horizon, by limited lane; lanes without any are put off."""
        limited = [(setup.postback_id, setup.maximum_requests) for setup in usable if setup.maximum_requests]
        found = {}
        for (lane, _), slots in zip(limited, rate_limit.look(limited), strict=True):
            found[lane] = slots.count
            if slots.count == 0:
                self.put_off(lane, slots.first_seconds - HALF_HORIZON_SECONDS)
        return found

    def send(self, limit: int, ones: Sequence[Claimed], setups: Mapping[int, Setup], probes: set[int]) -> float:
        """Sends deliveries of one lane, each in its slot; those without a slot go back.

        Slots are taken last, so only for deliveries that were claimed. Returns the seconds until half the horizon is
        free again.
        """
        lane = ones[0].postback_id
        try:
            slots = rate_limit.reserve(lane, limit, len(ones))
        except RedisError as error:
            logger.warning("No slots for lane %d while Redis is unreachable (%s).", lane, error)
            self._outgoing.release(ones, probes)
            return HALF_HORIZON_SECONDS
        slotted: list[Timed] = list(zip(ones, slots.windows(), strict=False))
        self._outgoing.send(slotted, setups, probes)
        self._outgoing.release(ones[slots.count :], probes)
        return slots.first_seconds + slots.count * slots.interval_seconds - HALF_HORIZON_SECONDS

    def put_off(self, lane: int, wait_seconds: float) -> None:
        """Looks at a limited lane again after `wait_seconds`."""
        wait = max(0.0, wait_seconds)
        ready_queue.wake({lane: wait}, post=False)
        self._capacity.put_off(wait)
