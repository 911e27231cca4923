"""What follows from recorded outcomes: the next of each chain is promoted, and the health of the lanes is updated.

Both write rows that somebody may have locked. Then they are left for later, so that recording never waits for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2 import extensions

from postbacks.delivery.chains import Chain, earliest, promote
from postbacks.delivery.circuit_breaker import store as circuit_breaker
from postbacks.delivery.circuit_breaker.health import Observation, Sign, sign_of
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Retry

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 0.5  # How often what was left is tried again.
MOST_NEWS = 100  # Of one lane; ten in a row decide.
# The server has answered, and the connection is as good as before.
PASSING = (psycopg2.errors.LockNotAvailable, psycopg2.errors.QueryCanceled, psycopg2.errors.DeadlockDetected)

News = dict[int, list[Observation]]
_SILENT = (Sign.SILENT, Sign.UNSENT)


class FollowUp(NamedTuple):
    """What follows from a batch: in how many seconds lanes have work, and whose hold began, continued or ended."""

    due: dict[int, float]
    hold_changes: list[circuit_breaker.HoldChange]


class Aftermath:
    """Belongs to the recorder's thread, and works on its connection."""

    def __init__(self) -> None:
        self._chains: set[Chain] = set()  # Whose first delivery was locked.
        self._news: News = {}  # Of lanes that were locked.
        self._again_at = 0.0

    @property
    def left(self) -> bool:
        """Whether something is left to be tried again."""
        return bool(self._chains or self._news)

    def follow(self, connection: extensions.connection, batch: Sequence[Judged], chained: Collection[int]) -> FollowUp:
        """Finds the lanes that have work now (retries, and the next of each chain), and learns their health. `chained`
        are the lanes in which something is blocked.

        Never raises for an outage: what could not be done is done by a later call.
        """
        times = [(j.claimed.postback_id, j.outcome.delay_seconds) for j in batch if isinstance(j.outcome, Retry)]
        finished = [j for j in batch if isinstance(j.outcome, Delivered | GaveUp)] if chained else []
        chains = {(j.claimed.postback_id, j.claimed.action_id) for j in finished if j.claimed.postback_id in chained}
        news = _news(batch)
        if self.left and time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            chains |= self._chains
            news = _joined(self._news, news)
            self._chains, self._news = set(), {}
        waiting = {lane: news.pop(lane) for lane in self._news if lane in news}  # Behind what they follow.
        self._news = _joined(self._news, waiting)
        if chains:
            times += self._promote(connection, chains)
        return FollowUp(earliest(times), self._learn(connection, news))

    def _promote(self, connection: extensions.connection, chains: set[Chain]) -> list[tuple[int, float]]:
        try:
            with connection.cursor() as cursor:
                promoted = promote(cursor, chains, often=True)
        except psycopg2.Error as error:
            logger.warning("Could not promote in %d chains yet (%s).", len(chains), str(error).strip())
            self._chains |= chains
            return []
        self._chains |= set(promoted.locked)
        return list(promoted.due.items())

    def _learn(self, connection: extensions.connection, news: News) -> list[circuit_breaker.HoldChange]:
        try:
            return circuit_breaker.learn(connection, news)
        except psycopg2.Error as error:
            if len(news) == 1 or not isinstance(error, PASSING):
                logger.warning("Could not update the health of %d lanes yet (%s).", len(news), str(error).strip())
                self._news = _joined(self._news, news)
                return []
        # One of the lanes is locked, which is no reason for the others to wait.
        return [change for lane, observed in news.items() for change in self._learn(connection, {lane: observed})]


def _joined(first: News, second: News) -> News:
    return {lane: [*first.get(lane, ()), *second.get(lane, ())][-MOST_NEWS:] for lane in {**first, **second}}


def _news(batch: Sequence[Judged]) -> dict[int, list[Observation]]:
    """What the batch says about its destinations, by lane. A good answer is news only if the lane had failures, and a
    result that says nothing is news only if it was the probe."""
    signs = [(judged, sign) for judged in batch if (sign := sign_of(judged)) not in _SILENT or judged.probe]
    lanes_with_news = {
        judged.claimed.postback_id
        for judged, sign in signs
        if sign is not Sign.ALIVE or (judged.sent is not None and judged.sent.prepared.troubled)
    }
    by_lane: dict[int, list[Observation]] = {lane: [] for lane in lanes_with_news}
    if lanes_with_news:  # Mostly there are none.
        for judged, sign in signs:
            if (lane := judged.claimed.postback_id) in lanes_with_news:
                by_lane[lane].append(Observation(sign, judged.claimed.action_id, judged.probe))
    return by_lane
