"""When the requests of limited lanes leave: each at a slot, on the moment when libcurl may write it.

A slot is used when a request leaves, not when its connection is begun: handshakes that take longer or shorter than
others would shift requests together. So a request whose connection stands too late for its slot is held at the gate
until the lane's next slot. The request that had that slot then begins to connect, without a slot, and takes its turn at
the gate. When a lane has requests at the gate and no slot to come, another is asked for.

For the sender's thread, apart from the thread that asks.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from redis.exceptions import RedisError

from postbacks.delivery import rate_limit
from postbacks.delivery.outcomes import Prepared
from postbacks.delivery.rate_limit import Window
from postbacks.delivery.waiting import Waiter
from postbacks.egress.gate import Gate
from postbacks.egress.transport import Call

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.25  # After no slot was free, or Redis was away.


class Slot(NamedTuple):
    """When one request of a lane may leave; `prepared` is the one that was claimed for it, if any."""

    window: Window
    number: int  # So that equal ones stay in order.
    lane: int
    prepared: Prepared | None


class Departures:
    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._slots: list[Slot] = []  # A heap.
        self._to_come: Counter[int] = Counter()  # Slots by lane, those asked for included.
        self._numbers = itertools.count()
        self._held: dict[int, deque[Call]] = {}  # By lane, in the order in which their connections stood.
        self._limits: dict[int, int] = {}
        self._granted: deque[tuple[int, list[Window]]] = deque()
        self._asker = _Asker(self._grant)

    @property
    def next_at(self) -> float | None:
        """When the next slot is."""
        return self._slots[0].window.opens if self._slots else None

    def add(self, prepared: Prepared, window: Window) -> None:
        """Takes a request that has a slot."""
        self._push(window, prepared.claimed.postback_id, prepared)

    def due(self, now: float) -> Slot | None:
        """Takes out the next slot whose moment has come."""
        while self._granted:
            lane, windows = self._granted.popleft()
            self._to_come[lane] -= 1
            for window in windows:
                self._push(window, lane, None)
        if not self._slots or self._slots[0].window.opens > now:
            return None
        slot = heapq.heappop(self._slots)
        self._to_come[slot.lane] -= 1
        return slot

    def depart(self, call: Call, prepared: Prepared, window: Window | None, fd: int | None) -> bool:
        """Whether libcurl may go on: the request leaves now, or is held. False if it can be neither.

        `fd` is a connection that the request has for itself.
        """
        if window is not None and time.monotonic() <= window.closes:
            return True
        if fd is None:
            return False
        self._waiter.forget(fd)  # What is watched is what the number stands for now.
        call.gate = Gate(fd)
        lane = prepared.claimed.postback_id
        self._held.setdefault(lane, deque()).append(call)
        self._limits[lane] = prepared.limit
        self.ask_for_held(lane)
        return True

    def next_held(self, lane: int) -> Call | None:
        """Takes out the request of the lane that has been held longest."""
        held = self._held.get(lane)
        return held.popleft() if held else None

    def forget(self, call: Call, lane: int) -> None:
        """The request is over, held or not."""
        held = self._held.get(lane)
        if held and call in held:
            held.remove(call)

    def take_back(self, lane: int | None = None) -> tuple[list[Prepared], list[Call]]:
        """What has not left, of one lane or of all: requests that wait for their slots, and those that are held."""
        gone = [slot for slot in self._slots if lane in (None, slot.lane)]
        if gone:
            self._slots = [slot for slot in self._slots if lane not in (None, slot.lane)]
            heapq.heapify(self._slots)
            self._to_come.subtract(slot.lane for slot in gone)
        held = [call for of, calls in self._held.items() if lane in (None, of) for call in calls]
        return [slot.prepared for slot in gone if slot.prepared is not None], held

    def ask_for_held(self, lane: int) -> None:
        """Asks for slots if requests of the lane are held and none is to come."""
        limit = self._limits.get(lane, 0)
        if self._held.get(lane) and self._to_come[lane] <= 0 and limit:
            self._to_come[lane] = 1
            self._asker.ask(lane, limit, len(self._held[lane]))

    def _grant(self, lane: int, windows: list[Window]) -> None:  # On the thread that asks.
        self._granted.append((lane, windows))
        self._waiter.wake()

    def _push(self, window: Window, lane: int, prepared: Prepared | None) -> None:
        heapq.heappush(self._slots, Slot(window, next(self._numbers), lane, prepared))
        self._to_come[lane] += 1


class _Asker:
    """Asks Redis for slots on a thread of its own, started when first needed: the sender's must not wait for it."""

    def __init__(self, grant: Callable[[int, list[Window]], None]) -> None:
        self._grant = grant
        self._asked: queue.SimpleQueue[tuple[int, int, int]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, lane: int, limit: int, wanted: int) -> None:
        self._asked.put((lane, limit, wanted))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="postbacks-slots", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            lane, limit, wanted = self._asked.get()
            try:
                windows = rate_limit.reserve(lane, limit, wanted).windows()
            except RedisError as error:
                logger.warning("No slots for lane %d while Redis is unreachable (%s).", lane, error)
                windows = []
            except Exception:
                logger.exception("Slots for lane %d could not be asked for.", lane)
                windows = []
            if windows:
                self._grant(lane, windows)
            else:
                later = threading.Timer(ASK_AGAIN_SECONDS, self._asked.put, ((lane, limit, wanted),))
                later.daemon = True
                later.start()
