"""How many deliveries one worker process holds, and which lanes wait until it holds fewer.

Drains add on Celery's thread; the recorder's thread removes. Each public method holds the one lock while it reads or
changes anything, and calls nothing that blocks.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from postbacks.delivery.claim import Priority
from postbacks.delivery.outcomes import Claimed

MAX_CLAIMED = 3_072  # Deliveries that one process has claimed and not yet recorded: of one lane, half of it at most.
# The size of their values, which may be large; requests and answers take at most a small multiple of it.
MAX_CLAIMED_BYTES = 32 * 1024 * 1024
LOW_WATER = MAX_CLAIMED // 2  # A full process claims again when it has more room than this: few, large claims.
LEAST_ROOM = 64  # A claim of fewer costs nearly as much.
# While live traffic comes, replays get small turns with pauses between, so that a live delivery waits for one at most.
LIVE_SECONDS = 2.0  # For this long after a live delivery, more are expected.
REPLAYS_BESIDE_LIVE = 32
REPLAY_PAUSE_SECONDS = 0.05


class Capacity:
    """Counts deliveries from claim to record, and remembers the lanes that were put off meanwhile."""

    def __init__(self) -> None:
        # Guards everything below.
        self._lock = threading.Lock()
        self._held: Counter[int] = Counter()  # By lane.
        # How often each is held: one that was given back may be claimed again before it is taken away.
        self._ids: dict[int, int] = {}
        self._bytes = 0
        self._replays = 0
        self._full = False  # The last check found no room.
        self._without_room: set[int] = set()  # Lanes with work for which there was no room.
        self._with_replays: set[int] = set()  # Lanes whose replays wait for a turn beside live traffic.
        self._slots_free_at: list[float] = []  # A heap of monotonic times at which to look at limited lanes again.
        self._live_at = -LIVE_SECONDS  # When a live delivery was last claimed.
        self._replays_at = 0.0  # When replays last had a turn.

    @property
    def total(self) -> int:
        """How many deliveries are held."""
        with self._lock:
            return self._held.total()

    @property
    def full(self) -> bool:
        """Whether `find_room` found no room, and `ready` has not reported any since."""
        with self._lock:
            return self._full

    def ids(self) -> set[int]:
        """The deliveries that are held."""
        with self._lock:
            return set(self._ids)

    # A drain calls these, on Celery's thread.

    def find_room(self) -> bool:
        """Whether anything may be claimed. If not, `ready` says when there is room again."""
        with self._lock:
            self._full = self._room() < LEAST_ROOM
            return not self._full

    def room(self) -> int:
        """How many more deliveries may be held."""
        with self._lock:
            return self._room()

    def rooms(self, most: dict[int, int]) -> dict[int, int]:
        """How many to claim by lane, given how many each may hold; a lane at its limit waits for `ready`."""
        with self._lock:
            rooms = {lane: most_held - self._held[lane] for lane, most_held in most.items()}
            self._without_room |= {lane for lane, room in rooms.items() if room <= 0}
        return {lane: room for lane, room in rooms.items() if room > 0}

    def replay_room(self) -> int | None:
        """How many replays may be claimed: only a few while live traffic comes, otherwise any number (None)."""
        with self._lock:
            return self._replay_room(time.monotonic())

    def add(self, claimed: Sequence[Claimed]) -> Counter[int]:
        """Adds what was claimed, and returns how many there are by lane."""
        now = time.monotonic()
        with self._lock:
            if any(one.priority == Priority.LIVE for one in claimed):
                self._live_at = now
            for one in claimed:
                self._ids[one.delivery_id] = self._ids.get(one.delivery_id, 0) + 1
            return self._count(claimed, 1)

    def put_off_replays(self, lanes: Iterable[int]) -> None:
        """Notes that these lanes have replays that are due and wait for their turn."""
        with self._lock:
            self._with_replays.update(lanes)

    def put_off(self, wait_seconds: float) -> None:
        """Notes that a lane will have free slots after `wait_seconds`."""
        with self._lock:
            heapq.heappush(self._slots_free_at, time.monotonic() + wait_seconds)

    # The recorder calls these, on its thread.

    def remove(self, claimed: Sequence[Claimed]) -> None:
        """Takes away what was recorded."""
        with self._lock:
            self._count(claimed, -1)
            for one in claimed:
                if (left := self._ids.pop(one.delivery_id) - 1) > 0:
                    self._ids[one.delivery_id] = left

    def ready(self, share: Callable[[int], int]) -> set[int] | None:
        """The lanes that were put off and may be claimed from again; None if no drain is needed.

        `share` says how many deliveries of a lane may be held. An empty set also asks for a drain: slots came free, or
        a process that was full has room.
        """
        now = time.monotonic()
        with self._lock:
            lanes = self._take_replays(now)
            call = self._pass_times(now)
            if self._room() > LOW_WATER:
                call |= self._full
                self._full = False
                # Not later: the sender has work while more is claimed.
                eager = {lane for lane in self._without_room if self._held[lane] <= share(lane) * 2 // 3}
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
        """Drops the times that have passed; returns whether there were any."""
        came = bool(self._slots_free_at) and self._slots_free_at[0] <= now
        while self._slots_free_at and self._slots_free_at[0] <= now:
            heapq.heappop(self._slots_free_at)
        return came
