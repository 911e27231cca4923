"""The sender: one thread per worker process that keeps many HTTP transfers in the air at once.

It drives libcurl's multi interface by sockets (epoll): libcurl's own waiting is blind above 1,024 descriptors and
slows down with every transfer that hangs. Each lane has a queue of its own and is served in turn, with a bounded
number of transfers in flight, so that a destination that hangs or floods takes nothing from the others. Requests of a
lane with a limit wait for the time of their slot; one that missed it goes back, for sent late it would crowd the next.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import resource
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pycurl
from django.conf import settings
from requests import Response
from requests.exceptions import RequestException

from postbacks.engine.share import MOST_IN_FLIGHT, Share
from postbacks.engine.stages import Prepared, Sent
from postbacks.transport import Call

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 2_000  # Transfers of one process: each may hold a connection, so a descriptor and some 50 kB.
# The last quarter is for lanes that have next to nothing in flight: hundreds of destinations that hang, each with the
# few transfers of a newcomer, leave it to those that answer.
FOR_QUIET_LANES = MAX_IN_FLIGHT // 4
QUIET = 2
LATE_SLOT_SECONDS = 0.035  # Later than this, a slotted request could share its second with one slot too many.
IDLE_WAIT_SECONDS = 1.0


class Sender:
    """Takes prepared deliveries from any thread, hands what came of them to the two callbacks, on its own thread."""

    def __init__(self, on_sent: Callable[[Sent], None], on_unsent: Callable[[Iterable[Prepared]], None]) -> None:
        self._on_sent = on_sent
        self._on_unsent = on_unsent
        self._inbox: deque[list[Prepared]] = deque()
        self._recalled: deque[int] = deque()
        self._lanes: dict[int, _Lane] = {}
        self._turn: deque[_Lane] = deque()  # Lanes that could start a transfer now.
        self._slotted: list[tuple[float, int, Prepared]] = []  # A heap by slot time.
        self._sequence = itertools.count()
        self._in_flight: dict[pycurl.Curl, tuple[Call, Prepared, datetime]] = {}
        self._idle_calls: list[Call] = []
        self._stop_at: float | None = None
        self._timer_at: float | None = None
        _raise_descriptor_limit()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._watched: set[int] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, MAX_IN_FLIGHT)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, MOST_IN_FLIGHT)
        self._thread = threading.Thread(target=self._run, name="postbacks-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def put(self, prepared: list[Prepared]) -> None:
        self._inbox.append(prepared)
        os.eventfd_write(self._wake_fd, 1)

    def recall(self, postback_id: int) -> None:
        """Hands back what of this lane has not been started: its destination is held, or its postback paused."""
        self._recalled.append(postback_id)
        os.eventfd_write(self._wake_fd, 1)

    def share(self, postback_id: int) -> int:
        """How many deliveries of this lane the process may hold: it grows with answers and shrinks with failures."""
        lane = self._lanes.get(postback_id)
        return (lane.share if lane else Share()).held

    def stop(self, timeout_seconds: float) -> None:
        """Returns what was not started, finishes what is in flight, for at most so long; then the thread is gone."""
        self._stop_at = time.monotonic() + timeout_seconds
        os.eventfd_write(self._wake_fd, 1)
        self._thread.join(timeout_seconds + 1)

    # From here on, everything runs on the sender's thread.

    def _run(self) -> None:
        while True:
            try:
                self._turn_once()
            except Exception:
                logger.exception("The sender met an unexpected error; it goes on.")
            if self._stop_at is not None and (not self._in_flight or time.monotonic() > self._stop_at):
                return

    def _turn_once(self) -> None:
        for fd, events in self._epoll.poll(self._wait_seconds()):
            if fd == self._wake_fd:
                os.eventfd_read(self._wake_fd)
            else:
                self._multi.socket_action(fd, _curl_mask(events))
        if self._timer_at is not None and self._timer_at <= time.monotonic():
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()
        self._accept()
        while self._recalled:
            self._return_lane(self._recalled.popleft())
        if self._stop_at is not None:
            self._return_waiting()
        self._start_slotted()
        self._start_queued()

    def _wait_seconds(self) -> float:
        if self._inbox:
            return 0
        until = [time.monotonic() + IDLE_WAIT_SECONDS]
        if self._timer_at is not None:
            until.append(self._timer_at)
        if self._slotted and len(self._in_flight) < MAX_IN_FLIGHT:
            until.append(self._slotted[0][0])
        return max(0.0, min(until) - time.monotonic())

    def _accept(self) -> None:
        while self._inbox:
            for prepared in self._inbox.popleft():
                if prepared.not_before is not None:
                    heapq.heappush(self._slotted, (prepared.not_before, next(self._sequence), prepared))
                else:
                    lane = self._lane(prepared)
                    lane.queue.append(prepared)
                    self._take_turn(lane)

    def _return_lane(self, postback_id: int) -> None:
        waiting = [each[2] for each in self._slotted if each[2].claimed.postback_id == postback_id]
        if waiting:
            self._slotted = [each for each in self._slotted if each[2].claimed.postback_id != postback_id]
            heapq.heapify(self._slotted)
        lane = self._lanes.get(postback_id)
        if lane is not None and lane.queue:
            waiting += lane.queue
            lane.queue.clear()
            if lane.has_turn:
                lane.has_turn = False
                self._turn.remove(lane)
        if waiting:
            self._on_unsent(waiting)

    def _return_waiting(self) -> None:
        waiting = [prepared for _, _, prepared in self._slotted]
        for lane in self._lanes.values():
            waiting += lane.queue
            lane.queue.clear()
            lane.has_turn = False
        self._turn.clear()
        self._slotted.clear()
        if waiting:
            self._on_unsent(waiting)

    def _start_slotted(self) -> None:
        now = time.monotonic()
        while self._slotted and self._slotted[0][0] <= now and len(self._in_flight) < MAX_IN_FLIGHT:
            slot, _, prepared = heapq.heappop(self._slotted)
            if now - slot > LATE_SLOT_SECONDS:
                self._on_unsent([prepared])
            else:
                self._start(self._lane(prepared), prepared)

    def _start_queued(self) -> None:
        """One transfer per lane and turn, round and round, while there is room."""
        passed: list[_Lane] = []
        while self._turn and len(self._in_flight) < MAX_IN_FLIGHT:
            lane = self._turn.popleft()
            if lane.in_flight >= QUIET and len(self._in_flight) >= MAX_IN_FLIGHT - FOR_QUIET_LANES:
                passed.append(lane)
                continue
            lane.has_turn = False
            self._start(lane, lane.queue.popleft())
            self._take_turn(lane)
        self._turn.extendleft(reversed(passed))

    def _take_turn(self, lane: _Lane) -> None:
        if lane.queue and not lane.has_turn and lane.in_flight < lane.share.in_flight:
            lane.has_turn = True
            self._turn.append(lane)

    def _start(self, lane: _Lane, prepared: Prepared) -> None:
        if time.monotonic() + settings.POSTBACKS_TOTAL_TIMEOUT > prepared.claimed.expires:
            self._on_unsent([prepared])  # It could outlive its lease, and another worker would send it too.
            return
        started_at = datetime.now(UTC)
        try:
            call = self._idle_calls.pop() if self._idle_calls else Call()
            call.prepare(prepared.request)
            self._multi.add_handle(call.curl)
        except Exception as error:
            # Whatever it is, it is this delivery's and must not hold up the others.
            if not isinstance(error, RequestException):
                logger.exception("Delivery %d could not be started.", prepared.claimed.delivery_id)
                error = RequestException(f"The request could not be sent, by an error of ours: {error!r}")
            self._on_sent(Sent(prepared, started_at, 0.0, error))
            return
        lane.in_flight += 1
        self._in_flight[call.curl] = (call, prepared, started_at)

    def _collect(self) -> None:
        """Takes what libcurl has finished."""
        while True:
            more, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                call, _, _ = self._in_flight[curl]
                self._finish(curl, call.response())
            for curl, code, message in failed:
                call, _, _ = self._in_flight[curl]
                self._finish(curl, call.response() if call.truncated else call.failure(code, message))
            if not more:
                return

    def _finish(self, curl: pycurl.Curl, answer: Response | RequestException) -> None:
        self._multi.remove_handle(curl)
        call, prepared, started_at = self._in_flight.pop(curl)
        self._idle_calls.append(call)
        lane = self._lane(prepared)
        lane.in_flight -= 1
        lane.share.answered() if isinstance(answer, Response) else lane.share.failed()
        self._take_turn(lane)
        self._on_sent(Sent(prepared, started_at, time.monotonic() - call.started, answer))

    def _lane(self, prepared: Prepared) -> _Lane:
        postback_id = prepared.claimed.postback_id
        lane = self._lanes.get(postback_id)
        if lane is None:
            lane = self._lanes[postback_id] = _Lane()
        return lane

    def _on_socket(self, event: int, fd: int, _multi: pycurl.CurlMulti, _data: Any) -> None:
        if event == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
            return
        mask = (select.EPOLLIN if event & pycurl.POLL_IN else 0) | (select.EPOLLOUT if event & pycurl.POLL_OUT else 0)
        if fd in self._watched:
            self._epoll.modify(fd, mask)
        else:
            self._watched.add(fd)
            self._epoll.register(fd, mask)

    def _on_timer(self, timeout_ms: int) -> None:
        self._timer_at = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000


class _Lane:
    """What the sender knows of one lane."""

    __slots__ = ("has_turn", "in_flight", "queue", "share")

    def __init__(self) -> None:
        self.queue: deque[Prepared] = deque()
        self.in_flight = 0
        self.has_turn = False
        self.share = Share()


def _raise_descriptor_limit() -> None:
    """The usual 1,024 do not do: a transfer holds a connection, and others while its host is looked up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _curl_mask(events: int) -> int:
    mask = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        mask |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        mask |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        mask |= pycurl.CSELECT_ERR
    return mask
