"""Which transfer starts next: lanes take turns, one transfer each, within the limits of each lane and host.

Plain bookkeeping for the sender's thread: no sockets, no clock. A step costs the same however many lanes wait.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from postbacks.delivery.concurrency_limit import ConcurrencyLimit
from postbacks.delivery.outcomes import Prepared

MAX_IN_FLIGHT = 2_000  # Transfers of one process; each may hold a connection: a descriptor and some 50 kB.
MAX_PER_HOST = 512  # Many postbacks may call one host; it should not get all connections of a process.
# The last quarter is for lanes that have nothing in flight: hundreds of destinations that hang, each with the few
# transfers of a new lane, leave it to those that answer.
FOR_QUIET_LANES = MAX_IN_FLIGHT // 4
# So many keep the caller busy where answers come at once. More would only mean more connections, each used less.
FEWEST_IN_FLIGHT = 64


class FairQueue:
    """Callers `add` what waits, ask for the `next`, and report when one is `finished`. It is in flight from `next` on,
    or from `started` where it did not wait here.

    How many are in flight follows the caller, who says when it is `busy` and when `idle`. Beyond that number, only
    lanes that have nothing in flight start another.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._wanted = min(FEWEST_IN_FLIGHT, MAX_IN_FLIGHT - FOR_QUIET_LANES)
        self._lanes: dict[int, _Lane] = {}
        self._hosts: dict[str, _Host] = {}
        self._turn: deque[_Lane] = deque()  # Lanes that could start a transfer now.
        # Lanes that wait only until fewer are in flight, or more may be; first in, first out, each once.
        self._crowded: OrderedDict[_Lane, None] = OrderedDict()

    @property
    def full(self) -> bool:
        return self.in_flight >= MAX_IN_FLIGHT

    @property
    def held_back(self) -> bool:
        """Whether a caller that is idle could have more in flight."""
        return bool(self._crowded) and self._wanted < MAX_IN_FLIGHT - FOR_QUIET_LANES

    def idle(self) -> None:
        """The caller has nothing to do: it may have twice as many in flight."""
        self._wanted = min(2 * self._wanted, MAX_IN_FLIGHT - FOR_QUIET_LANES)
        for _ in range(min(len(self._crowded), self._wanted - self.in_flight)):
            self._uncrowd(next(iter(self._crowded)))

    def busy(self) -> None:
        """The caller had something to do at once: fewer might do."""
        self._wanted = min(max(FEWEST_IN_FLIGHT, self._wanted * 15 // 16), MAX_IN_FLIGHT - FOR_QUIET_LANES)

    def share(self, postback_id: int) -> ConcurrencyLimit:
        """How much of the process the lane may use."""
        lane = self._lanes.get(postback_id)
        return lane.share if lane is not None else ConcurrencyLimit()

    def add(self, prepared: Prepared) -> None:
        lane = self._lane(prepared)
        lane.queue.append(prepared)
        self._line_up(lane)

    def next(self) -> Prepared | None:
        """Takes out the next one to start; None if nothing that waits may start."""
        while self._turn and not self.full:
            lane = self._turn.popleft()
            if lane.in_flight and self.in_flight >= self._wanted:
                self._crowded[lane] = None
                continue
            lane.lined_up = False
            if not lane.queue:
                continue
            host = self._host(lane, lane.queue[0])
            if host.in_flight >= MAX_PER_HOST:
                lane.lined_up = True
                host.waiting.append(lane)
            else:
                prepared = lane.queue.popleft()
                self._count(lane, host)
                return prepared
        return None

    def started(self, prepared: Prepared) -> None:
        """One that has not been added is to start, because its time has come."""
        lane = self._lane(prepared)
        self._count(lane, self._host(lane, prepared))

    def finished(self, prepared: Prepared, *, answered: bool | None) -> None:
        """A transfer is over, or was not started after all; `answered` if any answer came, good or bad, None if that
        says nothing of the host."""
        lane = self._lane(prepared)
        host = self._host(lane, prepared)
        lane.in_flight -= 1
        host.in_flight -= 1
        self.in_flight -= 1
        if answered:
            lane.share.answered()
        elif answered is not None:
            lane.share.failed()
        self._line_up(lane)
        if self._crowded and lane in self._crowded and not lane.in_flight:
            self._uncrowd(lane)
        if host.waiting:
            # One for one; all of them if the host has nothing left in flight that could call up the others.
            for _ in range(1 if host.in_flight else len(host.waiting)):
                self._turn.append(host.waiting.popleft())
        if self._crowded and self.in_flight < self._wanted:
            self._uncrowd(next(iter(self._crowded)))

    def take_back(self, postback_id: int) -> list[Prepared]:
        """Takes out everything that waits in one lane."""
        lane = self._lanes.get(postback_id)
        if lane is None:
            return []
        waiting = list(lane.queue)
        lane.queue.clear()
        return waiting

    def take_back_all(self) -> list[Prepared]:
        return [prepared for postback_id in self._lanes for prepared in self.take_back(postback_id)]

    def _count(self, lane: _Lane, host: _Host) -> None:
        lane.in_flight += 1
        host.in_flight += 1
        self.in_flight += 1
        self._line_up(lane)

    def _uncrowd(self, lane: _Lane) -> None:
        """Puts the lane back in line for a turn."""
        del self._crowded[lane]
        self._turn.append(lane)

    def _line_up(self, lane: _Lane) -> None:
        if lane.queue and not lane.lined_up and lane.in_flight < lane.share.in_flight:
            lane.lined_up = True
            self._turn.append(lane)

    def _lane(self, prepared: Prepared) -> _Lane:
        postback_id = prepared.claimed.postback_id
        lane = self._lanes.get(postback_id)
        if lane is None:
            lane = self._lanes[postback_id] = _Lane()
        return lane

    def _host(self, lane: _Lane, prepared: Prepared) -> _Host:
        url = prepared.request.url
        if lane.host is not None and url.startswith(lane.origin):  # Nearly always the one of before.
            return lane.host
        name = url.split("/", 3)[2]  # A built URL always has a scheme and a host.
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
        lane.origin, lane.host = f"{url.partition(name)[0]}{name}/", host
        return host


class _Lane:
    __slots__ = ("host", "in_flight", "lined_up", "origin", "queue", "share")

    def __init__(self) -> None:
        self.queue: deque[Prepared] = deque()
        self.origin = ""  # What the URLs of `host` begin with.
        self.host: _Host | None = None  # That of the URL seen last.
        self.in_flight = 0
        self.lined_up = False  # It is in exactly one line: for its turn, its host, or more room.
        self.share = ConcurrencyLimit()


class _Host:
    __slots__ = ("in_flight", "waiting")

    def __init__(self) -> None:
        self.in_flight = 0
        self.waiting: deque[_Lane] = deque()
