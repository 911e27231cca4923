"""What one worker process holds, and what waits until it holds less.

Drains add to it on Celery's thread, the recorder's thread takes from it. Each public method takes the one lock for as
long as it reads or changes anything, and calls nothing that waits.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from postbacks.delivery.claim import Priority
from postbacks.delivery.outcomes import Claimed

MAX_CLAIMED = 2_000  # Deliveries that one process holds, claimed and not yet recorded.
# Their values, which may be large; what is sent and received is some multiple of it at most.
MAX_CLAIMED_BYTES = 32 * 1024 * 1024
LOW_WATER = MAX_CLAIMED // 2  # A full process claims again when it has more room than this: in few large claims.
# While live traffic comes, replays get small turns with pauses between, so that what is live waits for one at most.
LIVE_SECONDS = 2.0  # So long after a live delivery, more are expected.
REPLAYS_BESIDE_LIVE = 32
REPLAY_PAUSE_SECONDS = 0.05


class Capacity:
    """Counts deliveries from their claim to their record, and remembers the lanes that were put off meanwhile."""

    def __init__(self) -> None:
        # Everything below belongs to this lock.
        self._lock = threading.Lock()
        self._held: Counter[int] = Counter()  # By lane.
        self._bytes = 0
        self._replays = 0
        self._full = False  # The last look found no room.
        self._without_room: set[int] = set()  # Lanes with work for which there was none.
        self._with_replays: set[int] = set()  # Lanes with replays that wait for their turn beside live traffic.
        self._slots_free_at: list[float] = []  # A heap of monotonic times: when limited lanes are to be looked at.
        self._live_at = -LIVE_SECONDS  # When a live delivery was last claimed.
        self._replays_at = 0.0  # When replays had their latest turn.

    @property
    def total(self) -> int:
        """How many deliveries are held."""
        with self._lock:
            return self._held.total()

    @property
    def full(self) -> bool:
        """Whether `find_room` found none, and `ready` has not reported any since."""
        with self._lock:
            return self._full

    # A drain calls these, on Celery's thread.

    def find_room(self) -> bool:
        """Whether anything may be claimed. If not, `ready` says when there is room again."""
        with self._lock:
            self._full = self._room() <= 0
            return not self._full

    def room(self) -> int:
        """How many more deliveries may be held."""
        with self._lock:
            return self._room()

    def rooms(self, most: dict[int, int]) -> dict[int, int]:
        """By lane how many to claim, where it may hold so many; a lane that has them already waits for `ready`."""
        with self._lock:
            rooms = {lane: most_held - self._held[lane] for lane, most_held in most.items()}
            self._without_room |= {lane for lane, room in rooms.items() if room <= 0}
        return {lane: room for lane, room in rooms.items() if room > 0}

    def replay_room(self) -> int | None:
        """How many replays may be claimed: None for any number, a few while live traffic comes."""
        with self._lock:
            return self._replay_room(time.monotonic())

    def add(self, claimed: Sequence[Claimed]) -> Counter[int]:
        """Counts what was claimed; returns how many of each lane."""
        now = time.monotonic()
        with self._lock:
            if any(one.priority == Priority.LIVE for one in claimed):
                self._live_at = now
            return self._count(claimed, 1)

    def put_off_replays(self, lanes: Iterable[int]) -> None:
        """These lanes have replays that are due, and wait for their turn."""
        with self._lock:
            self._with_replays.update(lanes)

    def put_off(self, wait_seconds: float) -> None:
        """Some lane has free slots again after so long."""
        with self._lock:
            heapq.heappush(self._slots_free_at, time.monotonic() + wait_seconds)

    # The recorder calls these, on its thread.

    def remove(self, claimed: Sequence[Claimed]) -> None:
        """Counts no longer what was recorded."""
        with self._lock:
            self._count(claimed, -1)

    def ready(self, share: Callable[[int], int]) -> set[int] | None:
        """The lanes that were put off and may be claimed from now; None when nothing calls for a drain.

        `share` says how many deliveries of a lane may be held. An empty set calls for a drain all the same: slots came
        free, or a process that was full has room.
        """
        now = time.monotonic()
        with self._lock:
            lanes = self._take_replays(now)
            call = self._pass_times(now)
            if self._room() > LOW_WATER:
                call |= self._full
                self._full = False
                eager = {lane for lane in self._without_room if self._held[lane] <= share(lane) // 2}
                self._without_room -= eager
                lanes |= eager
        return lanes if lanes or call else None

    # With the lock held.

    def _room(self) -> int:
        return MAX_CLAIMED - self._held.total() if self._bytes < MAX_CLAIMED_BYTES else 0

    def _replay_room(self, now: float) -> int | None:
        return None if now - self._live_at > LIVE_SECONDS else max(0, REPLAYS_BESIDE_LIVE - self._replays)

    def _count(self, claimed: Sequence[Claimed], sign: int) -> Counter[int]:
        counts = Counter(one.postback_id for one in claimed)
        self._bytes += sign * sum(len(one.parameters) for one in claimed)
        self._replays += sign * sum(one.priority == Priority.REPLAY for one in claimed)
        for lane, count in counts.items():
            self._held[lane] += sign * count
            if not self._held[lane]:
                del self._held[lane]
        return counts

    def _take_replays(self, now: float) -> set[int]:
        if not self._with_replays or now - self._replays_at < REPLAY_PAUSE_SECONDS or self._replay_room(now) == 0:
            return set()
        self._replays_at = now
        lanes, self._with_replays = self._with_replays, set()
        return lanes

    def _pass_times(self, now: float) -> bool:
        """Forgets the times that have come; says whether there were any."""
        came = bool(self._slots_free_at) and self._slots_free_at[0] <= now
        while self._slots_free_at and self._slots_free_at[0] <= now:
            heapq.heappop(self._slots_free_at)
        return came
