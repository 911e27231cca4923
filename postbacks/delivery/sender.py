"""The sender: one thread per worker process that keeps many HTTP transfers in flight at once.

It drives libcurl's multi interface by sockets (`waiting`): libcurl's own wait fails above 1,024 descriptors and slows
down with every transfer that hangs. Each lane has its own queue and is served in turn, with a bounded number of
transfers in flight, so that a destination that hangs or floods takes nothing from the others. Requests of a lane with a
limit wait for their slot (`departures`); one that misses it goes back, because sent late it would crowd the next.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import pycurl
from django.conf import settings

from environment.alive import AliveFile
from postbacks.delivery.database_clock import database_clock
from postbacks.delivery.departures import Departures
from postbacks.delivery.descriptors import raise_descriptor_limit
from postbacks.delivery.fair_queue import MAX_IN_FLIGHT, FairQueue
from postbacks.delivery.outcomes import Claimed, Prepared, Sent
from postbacks.delivery.ownership import Ownership
from postbacks.delivery.rate_limit import Window
from postbacks.delivery.waiting import make_waiter
from postbacks.egress import built_in
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.egress.transport import Call
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS

logger = logging.getLogger(__name__)

IDLE_WAIT_SECONDS = 1.0
COLLECTED_AT_ONCE = 32
# Transfers that are started together are answered together. More than can be started in this time would also take
# longer to read, and an answer that is not read is lost if the process is killed.
START_SECONDS = 0.01
PATIENCE_SECONDS = 0.001  # Answers that come within this time are as good as there: more requests need not start.
LOOK_SECONDS = 0.1  # How often transfers in flight are checked for an overdue first byte.
# Transfers that begin together, as to hundreds of destinations that hang, would also time out together and delay all
# others. So each waits for its first byte longer than the setting says, by a random part of this.
TIMEOUT_SPREAD = 0.1
# After a request of a lane was dropped with a kept connection, the lane's repeated attempts get a new one for so long:
# above all that delivery's next, which leaves at once, or in a limited lane when a slot is free.
CAREFUL_SECONDS = 60


class Sender:
    """Takes prepared deliveries from any thread; passes the results to the two callbacks on its own thread.

    It starts transfers only while `may_start` says so, and only what was claimed in the present tenure of `ownership`.
    """

    def __init__(
        self,
        on_sent: Callable[[Sent], None],
        on_unsent: Callable[[Iterable[Prepared]], None],
        may_start: Callable[[], bool] = lambda: True,
        ownership: Ownership | None = None,
    ) -> None:
        self._on_sent = on_sent
        self._on_unsent = on_unsent
        self._may_start = may_start
        self._ownership = ownership or Ownership()
        self._total_timeout = float(settings.POSTBACKS_TOTAL_TIMEOUT)
        self._response_timeout = float(settings.POSTBACKS_RESPONSE_TIMEOUT)
        self._paused = False
        self._inbox: deque[list[Prepared]] = deque()
        self._recalled: deque[int] = deque()
        self._fair_queue = FairQueue()
        # The last are when it began, by the database's clock, and the time by which the first byte must have come.
        self._in_flight: dict[pycurl.Curl, tuple[Call, Prepared, float, float]] = {}
        self._careful_until: dict[int, float] = {}  # By lane, see CAREFUL_SECONDS.
        self._look_at = 0.0
        self._idle_calls: list[Call] = []
        self._stop_at: float | None = None
        self._more_to_collect = False
        self._more_to_start = False
        self._timer_at: float | None = None
        raise_descriptor_limit()  # A transfer holds a connection, and more descriptors while its host is looked up.
        self._waiter = make_waiter()
        self._alive = AliveFile("worker")
        self._departures = Departures(self._waiter)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, MAX_IN_FLIGHT)
        self._thread = threading.Thread(target=self._run, name="postbacks-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def put(self, prepared: list[Prepared]) -> None:
        self._inbox.append(prepared)
        self._waiter.wake()

    def resume(self) -> None:
        """Starts again what it has not started, if it may now."""
        if self._paused and self._may_start():
            self._waiter.wake()

    def recall(self, postback_id: int) -> None:
        """Returns what has not been started in this lane: its destination is held, or its postback paused."""
        self._recalled.append(postback_id)
        self._waiter.wake()

    def share(self, postback_id: int) -> int:
        """How many deliveries of this lane the process may hold: more with answers, fewer with failures.

        Safe on any thread: it reads one number, which only the sender's thread changes.
        """
        return self._fair_queue.share(postback_id).held

    def stop(self, timeout_seconds: float) -> None:
        """Returns what was not started, finishes what is in flight, for that long at most; then the thread ends."""
        self._stop_at = time.monotonic() + timeout_seconds
        self._waiter.wake()
        self._thread.join(timeout_seconds + 1)

    # From here on, everything runs on the sender's thread.

    def _run(self) -> None:
        while True:
            try:
                self._alive.note()
                self._turn_once()
            except Exception:
                logger.exception("Unexpected error in the sender; it continues.")
            if self._stop_at is not None and (not self._in_flight or time.monotonic() > self._stop_at):
                self._alive.remove()
                return

    def _turn_once(self) -> None:
        self._wait()
        if self._timer_at is not None and self._timer_at <= time.monotonic():
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()
        self._give_up_unanswered()
        self._accept()
        while self._recalled:
            self._return_lane(self._recalled.popleft())
        if self._stop_at is not None:
            self._return_waiting()
        self._start_slotted()
        self._start_queued()

    def _wait(self) -> None:
        """Waits for the next event, if there is nothing else to do; briefly, if lanes wait until that is so."""
        seconds = self._wait_seconds()
        held_back = self._fair_queue.held_back
        idle = seconds > 0
        for fd, events in self._waiter.ready(min(seconds, PATIENCE_SECONDS) if held_back else seconds):
            idle = False
            self._multi.socket_action(fd, events)
        if not idle:
            self._fair_queue.busy()
        elif held_back:
            self._fair_queue.idle()

    def _wait_seconds(self) -> float:
        if self._inbox or self._more_to_collect or self._more_to_start:
            return 0
        until = [time.monotonic() + IDLE_WAIT_SECONDS]
        if self._timer_at is not None:
            until.append(self._timer_at)
        if self._in_flight:
            until.append(self._look_at)
        if self._departures.next_at is not None and not self._fair_queue.full and not self._paused:
            until.append(self._departures.next_at)
        return max(0.0, min(until) - time.monotonic())

    def _accept(self) -> None:
        while self._inbox:
            for prepared in self._inbox.popleft():
                if prepared.window is not None:
                    self._departures.add(prepared, prepared.window)
                else:
                    self._fair_queue.add(prepared)

    def _return_lane(self, postback_id: int) -> None:
        waiting, held = self._departures.take_back(postback_id)
        for call in held:
            self._give_back(call.curl)
        self._unsent(waiting + self._fair_queue.take_back(postback_id))

    def _return_waiting(self) -> None:
        waiting, held = self._departures.take_back()
        for call in held:
            self._give_back(call.curl)
        self._unsent(waiting + self._fair_queue.take_back_all())

    def _unsent(self, waiting: list[Prepared]) -> None:
        if waiting:
            self._on_unsent(waiting)

    def _start_slotted(self) -> None:
        self._paused = not self._may_start()
        now = time.monotonic()
        while not self._fair_queue.full and not self._paused and (slot := self._departures.due(now)) is not None:
            late = now > slot.window.closes
            held = None if late else self._next_held(slot.lane)
            if held is not None:
                self._let_go(held)
            if slot.prepared is not None:
                if late:
                    self._on_unsent([slot.prepared])
                else:  # If another takes the slot, this one gets ready for the next.
                    self._fair_queue.started(slot.prepared)
                    self._start(slot.prepared, time.monotonic(), slot.window if held is None else None)
            self._departures.ask_for_held(slot.lane)

    def _next_held(self, lane: int) -> Call | None:
        """The request of the lane that has been held longest; those that may have been taken over since go back."""
        while (held := self._departures.next_held(lane)) is not None:
            if self._in_flight[held.curl][1].claimed.tenure == self._ownership.tenure:
                return held
            self._give_back(held.curl)
        return None

    def _let_go(self, call: Call) -> None:
        """A held request leaves now: its time counts from here."""
        gate, call.gate = call.gate, None
        assert gate is not None  # noqa: S101 -- what is held stands behind one
        _, prepared, _, by = self._in_flight[call.curl]
        now = time.monotonic()
        self._in_flight[call.curl] = (call, prepared, database_clock.at(now), by + now - call.started)
        call.started = now
        self._waiter.forget(gate.fd)
        if gate.open():
            self._waiter.watch(gate.fd, pycurl.POLL_INOUT)
            self._multi.socket_action(gate.fd, pycurl.CSELECT_OUT)

    def _start_queued(self) -> None:
        """Starts what may start, but only for so long, so that answers are not left unread meanwhile."""
        self._more_to_start = False
        if self._paused:
            return
        now = time.monotonic()
        until = now + START_SECONDS
        while (prepared := self._fair_queue.next()) is not None:
            self._start(prepared, now)
            now = time.monotonic()
            if now > until:
                self._more_to_start = True
                return

    def _start(self, prepared: Prepared, now: float, window: Window | None = None) -> None:
        """Starts what is counted as in flight."""
        claimed = prepared.claimed
        # It may have been taken over since, or could outlive its lease, and another worker would send it too.
        if claimed.tenure != self._ownership.tenure or now + self._total_timeout > claimed.expires:
            self._fair_queue.finished(prepared, answered=None)
            self._on_unsent([prepared])
            return
        started_at = database_clock.at(now)
        if (taken := built_in.answer(prepared.request)) is not None:
            self._fair_queue.finished(prepared, answered=None)
            self._on_sent(Sent(prepared, started_at, 0.0, taken))
            return
        try:
            call = self._idle_calls.pop() if self._idle_calls else Call()
            careful = claimed.attempt > 1 and self._is_careful(claimed)
            failure = call.prepare(prepared.request, careful=careful)
            call.started = now
            call.depart = None if prepared.window is None else self._departure(call, prepared, window)
            if failure is None:
                self._multi.add_handle(call.curl)
        except Exception as bug:
            # Whatever it is, it concerns this delivery and must not hold up the others.
            logger.exception("Delivery %d could not be started.", prepared.claimed.delivery_id)
            failure = Failure(Code.INTERNAL, f"The request could not be sent because of an internal error: {bug!r}")
        if failure is not None:
            self._fair_queue.finished(prepared, answered=None)
            self._on_sent(Sent(prepared, started_at, 0.0, failure))
            return
        patience = self._response_timeout * (1 + TIMEOUT_SPREAD * random.random())  # noqa: S311 -- no secret
        self._in_flight[call.curl] = (call, prepared, started_at, now + patience)

    def _departure(self, call: Call, prepared: Prepared, window: Window | None) -> Callable[[int | None], bool]:
        return lambda fd: self._departures.depart(call, prepared, window, fd)

    def _is_careful(self, claimed: Claimed) -> bool:
        """Whether a repeated request gets a new connection: the one after a dropped one does, and the last always."""
        until = self._careful_until.get(claimed.postback_id, 0.0)
        return claimed.attempt >= MAXIMUM_ATTEMPTS or time.monotonic() < until

    def _collect(self) -> None:
        """Takes what libcurl has finished, some at a time, so that hundreds of timeouts do not hold up the rest."""
        left, succeeded, failed = self._multi.info_read(COLLECTED_AT_ONCE)
        self._more_to_collect = left > 0
        for curl in succeeded:
            self._finish(curl, self._in_flight[curl][0].answer())
        for curl, code, message in failed:
            call = self._in_flight[curl][0]
            if call.missed or call.gate is not None:
                self._give_back(curl)
            else:
                self._finish(curl, call.ended(code, message))

    def _give_up_unanswered(self) -> None:
        """Ends transfers whose first byte is overdue. libcurl has timeouts only for connecting and in total."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        overdue = [call for call, _, _, by in self._in_flight.values() if by <= now and call.unanswered]
        for call in overdue:
            if call.gate is not None:
                self._give_back(call.curl)
            else:
                self._finish(call.curl, call.failure(pycurl.E_OPERATION_TIMEDOUT, ""))

    def _give_back(self, curl: pycurl.Curl) -> None:
        """Ends a transfer whose request did not leave: nothing was sent, and nothing is known of the destination."""
        self._multi.remove_handle(curl)
        call, prepared, _, _ = self._in_flight.pop(curl)
        self._departures.forget(call, prepared.claimed.postback_id)
        if call.gate is not None:
            call.gate.abandon()
            call.gate = None
        call.forget()
        self._idle_calls.append(call)
        self._fair_queue.finished(prepared, answered=None)
        self._on_unsent([prepared])

    def _finish(self, curl: pycurl.Curl, answer: Answer | Failure) -> None:
        self._multi.remove_handle(curl)
        call, prepared, started_at, _ = self._in_flight.pop(curl)
        took = time.monotonic() - call.started
        call.forget()
        self._idle_calls.append(call)
        dropped = isinstance(answer, Failure) and answer.code is Code.DROPPED
        if dropped:
            self._careful_until[prepared.claimed.postback_id] = time.monotonic() + CAREFUL_SECONDS
        # A dropped one says neither that the destination is well nor that it is not.
        self._fair_queue.finished(prepared, answered=None if dropped else isinstance(answer, Answer))
        self._on_sent(Sent(prepared, started_at, took, answer))

    def _on_socket(self, event: int, fd: int, _multi: pycurl.CurlMulti, _data: Any) -> None:
        if event == pycurl.POLL_REMOVE:
            self._waiter.forget(fd)
        else:
            self._waiter.watch(fd, event)

    def _on_timer(self, timeout_ms: int) -> None:
        if timeout_ms == 0:  # Twice for each transfer: at once.
            self._timer_at = 0.0
        else:
            self._timer_at = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
