"""The engine of one worker process: what a drain does, and what holds it together.

Four threads: Celery's, on which drains run (claim, build, hand over; never waiting for a partner), the sender's, the
recorder's, and the caretaker's, who sweeps when nobody asks for it. All are made after the fork, at the first drain or
sweep, and stopped by the worker's shutdown signal.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from functools import cache

import orjson
import psycopg2
from django.conf import settings
from psycopg2 import extensions
from redis.exceptions import RedisError

from postbacks.engine import breaker, claim, database, lanes, owners, rate
from postbacks.engine.attempt_log import log_attempts
from postbacks.engine.claim import Priority
from postbacks.engine.judging import judge
from postbacks.engine.recorder import Aftermath, Recorder
from postbacks.engine.sender import Sender
from postbacks.engine.setups import Setup, Setups
from postbacks.engine.stages import Claimed, Fate, GaveUp, Judged, Prepared, Released, Sent
from postbacks.engine.sweep import sweeper
from postbacks.request import Unbuildable

logger = logging.getLogger(__name__)

LANES_PER_CLAIM = 128
ROWS_PER_CLAIM = 512  # Batches of 100 cost a quarter of the throughput; larger ones only add latency for the others.
MAX_HELD = 2_000  # Deliveries that one process holds, claimed and not yet recorded.
# Their values, which may be large; what is sent and received is some multiple of it at most.
MAX_HELD_BYTES = 32 * 1024 * 1024
BUILD_SLICE = 64  # Handed to the sender at a time, so that the first leave while the rest are built.
RECORDER_START_SECONDS = 5
# While live traffic comes, replays get small turns with pauses between, so that what is live waits for one at most.
LIVE_SECONDS = 2.0  # So long after a live delivery, more are expected.
REPLAYS_BESIDE_LIVE = 32
REPLAY_PAUSE_SECONDS = 0.05
CARE_EVERY_SECONDS = 1.0
# Under steady traffic there is always a lane that is due: other tasks, above all the sweep, need their turn.
DRAIN_FOR_SECONDS = 1.0
HALF_HORIZON_SECONDS = rate.HORIZON_MS / 2000


class Engine:
    """Made once per process by `engine()`."""

    def __init__(self) -> None:
        self._owner = owners.new_owner()
        self._recorder = Recorder(self._owner, self._on_recorded)
        self._sender = Sender(self._on_sent, self._on_unsent)
        self._setups = Setups()
        self._session = database.Session("claim")
        self._lock = threading.Lock()  # Drains and the recorder's thread share the six below.
        self._held: Counter[int] = Counter()  # By lane: claimed and not yet recorded.
        self._held_bytes = 0
        self._held_replays = 0
        self._waiting: set[int] = set()  # Lanes with work for which this process had no room.
        self._waiting_replays: set[int] = set()  # Lanes with replays that wait for their turn beside live traffic.
        self._later: list[float] = []  # A heap of monotonic times: when slots of limited lanes come free.
        self._live_at = -LIVE_SECONDS
        self._replays_at = 0.0  # When replays had their latest turn.
        self._full = False  # The last drain ended for want of room.
        self._stopping = False
        self._stopped = threading.Event()
        self._recorder.start()
        self._sender.start()
        self._caretaker = threading.Thread(target=self._take_care, name="postbacks-caretaker", daemon=True)
        self._caretaker.start()

    # The drain, on Celery's thread.

    def drain(self) -> None:
        """Claims, builds and hands over until nothing is due, this process is full, or its time is up."""
        if not self._recorder.wait_healthy(RECORDER_START_SECONDS):
            logger.warning("Nothing is claimed while outcomes cannot be recorded.")
            return
        until = time.monotonic() + DRAIN_FOR_SECONDS
        try:
            lanes.drain_started()
            while not self._stopping and self._able() and time.monotonic() < until:
                self._full = self._room() <= 0
                popped = [] if self._full else lanes.pop_due(LANES_PER_CLAIM)
                if not popped:
                    break
                self._work(popped)
        except (psycopg2.OperationalError, psycopg2.InterfaceError, RedisError) as error:
            logger.warning("The drain was cut short (%s); the sweep goes on with it.", str(error).strip())
            self._session.close()
        if not self._full:
            lanes.wake({})  # A drain for what is due still, or a timer for what is due soon.

    def stop(self) -> None:
        """Claims no more, returns what was not started, finishes what is in flight, and records it all."""
        self._stopping = True
        self._stopped.set()
        lanes.hand_over()
        deadline = time.monotonic() + settings.POSTBACKS_SHUTDOWN_TIMEOUT
        self._caretaker.join(2)
        sweeper.close()
        self._sender.stop(max(0.0, deadline - time.monotonic() - 2))
        self._recorder.stop(max(1.0, deadline - time.monotonic()))
        self._session.close()

    def _take_care(self) -> None:
        while not self._stopped.wait(CARE_EVERY_SECONDS):
            try:
                sweeper.sweep_if_missed()
            except Exception:
                logger.exception("A sweep failed; the next one comes.")

    def _able(self) -> bool:
        return self._recorder.healthy and self._sender.alive

    def _work(self, popped: Sequence[int]) -> None:
        with self._session.cursor() as cursor:
            setups = self._setups.read(cursor, popped)
            running = [setup for lane in popped if (setup := setups.get(lane)) and not setup.stopped]
            held = {setup.postback_id: setup.probe_seconds for setup in running if setup.probe_seconds is not None}
            probes = breaker.take_probes(cursor, [lane for lane, seconds in held.items() if seconds <= 0])
            usable = [setup for setup in running if setup.postback_id not in held or setup.postback_id in probes]
            room = {lane: 1 if lane in probes else most for lane, most in self._rooms(usable).items()}
            claimed = claim.claim(cursor, self._owner, room, self._replay_room()) if room else []
            counts = self._hold(claimed)
            breaker.return_probes(cursor, [lane for lane in probes if not counts[lane]])
            due = self._next_due(cursor, room, counts)
        # A held lane comes back when its next probe may go out; of one that is being probed the outcome says when.
        due = {lane: seconds for lane, seconds in due.items() if lane not in probes or not counts[lane]}
        due |= {lane: seconds for lane, seconds in held.items() if seconds > 0}
        limits = {setup.postback_id: setup.maximum_requests for setup in usable if setup.maximum_requests}
        lanes.wake({lane: seconds for lane, seconds in due.items() if lane not in limits})
        self._hand_over([(one, None) for one in claimed if one.postback_id not in limits], setups, probes)
        of_limited: dict[int, list[Claimed]] = {lane: [] for lane in limits}
        for one in claimed:
            if one.postback_id in limits:
                of_limited[one.postback_id].append(one)
        for lane, ones in of_limited.items():
            free = self._take_slots(limits[lane], ones, setups, probes) if ones else 0.0
            if lane in due:
                self._put_off(lane, max(due[lane], free))

    def _rooms(self, usable: Sequence[Setup]) -> dict[int, int]:
        """How many deliveries to claim of each lane; lanes for which there is no room now are kept for later."""
        per_lane = max(1, min(ROWS_PER_CLAIM, self._room()) // max(1, len(usable)))
        slots = self._look_for_slots(usable)
        rooms: dict[int, int] = {}
        for setup in usable:
            lane = setup.postback_id
            if slots.get(lane) == 0:
                continue
            room = min(per_lane, self._sender.share(lane) - self._held[lane], slots.get(lane, per_lane))
            if room > 0:
                rooms[lane] = room
            else:
                with self._lock:
                    self._waiting.add(lane)
        return rooms

    def _look_for_slots(self, usable: Sequence[Setup]) -> dict[int, int]:
        """For lanes with a limit, how many slots are free within the horizon; those without any are put off."""
        limited = [(setup.postback_id, setup.maximum_requests) for setup in usable if setup.maximum_requests]
        found = {}
        for (lane, _), slots in zip(limited, rate.look(limited), strict=True):
            found[lane] = slots.count
            if slots.count == 0:
                self._put_off(lane, slots.first_seconds - HALF_HORIZON_SECONDS)
        return found

    def _put_off(self, lane: int, wait_seconds: float) -> None:
        """Comes back to a limited lane after so long."""
        wait = max(0.0, wait_seconds)
        lanes.wake({lane: wait}, post=False)
        with self._lock:
            heapq.heappush(self._later, time.monotonic() + wait)

    def _take_slots(self, limit: int, ones: list[Claimed], setups: dict[int, Setup], probes: set[int]) -> float:
        """The slot is charged last: only for deliveries that are claimed. What gets none goes back.

        Returns the seconds until half the horizon is free again: not for every single slot is the lane come back to.
        """
        lane = ones[0].postback_id
        try:
            slots = rate.reserve(lane, limit, len(ones))
        except RedisError as error:
            logger.warning("No slots for lane %d while Redis is away (%s).", lane, error)
            self._release(ones, probes)
            return HALF_HORIZON_SECONDS
        now = time.monotonic()
        slotted = [(one, now + offset) for one, offset in zip(ones, slots.offsets(), strict=False)]
        self._hand_over(slotted, setups, probes)
        self._release(ones[slots.count :], probes)
        return slots.first_seconds + slots.count * slots.interval_seconds - HALF_HORIZON_SECONDS

    def _hand_over(
        self, ones: Sequence[tuple[Claimed, float | None]], setups: dict[int, Setup], probes: set[int]
    ) -> None:
        """Builds in slices, so that the first leave while the rest are built."""
        for start in range(0, len(ones), BUILD_SLICE):
            prepared = []
            for claimed, not_before in ones[start : start + BUILD_SLICE]:
                probe = claimed.postback_id in probes
                result = prepare(claimed, setups[claimed.postback_id], not_before, probe=probe)
                if isinstance(result, Prepared):
                    prepared.append(result)
                else:
                    self._recorder.put(Judged(claimed, result, None, probe))
            if prepared:
                self._sender.put(prepared)

    def _release(self, ones: Iterable[Claimed], probes: Container[int]) -> None:
        for claimed in ones:
            self._recorder.put(Judged(claimed, Released(), None, claimed.postback_id in probes))

    # What the sender and the recorder call, on their threads.

    def _on_sent(self, sent: Sent) -> None:
        self._recorder.put(Judged(sent.prepared.claimed, _judge(sent), sent, sent.prepared.probe))

    def _on_unsent(self, unsent: Iterable[Prepared]) -> None:
        for prepared in unsent:
            self._recorder.put(Judged(prepared.claimed, Released(), None, prepared.probe))

    def _on_recorded(self, batch: Sequence[Judged], aftermath: Aftermath) -> None:
        log_attempts(batch)
        due = aftermath.due
        self._hold([judged.claimed for judged in batch], sign=-1)
        due |= dict.fromkeys(self._replays_turn(), 0.0)
        for judged in batch:
            if isinstance(judged.fate, Released):
                due.setdefault(judged.claimed.postback_id, 0.0)
        for turn in aftermath.turns:
            if turn.paused or turn.probe_seconds is not None:
                self._sender.recall(turn.postback_id)
            due[turn.postback_id] = turn.probe_seconds or 0.0
        if self._stopping:
            return
        room = self._room() > MAX_HELD // 2
        with self._lock:
            eager = {lane for lane in self._waiting if room and self._held[lane] <= self._sender.share(lane) // 2}
            self._waiting -= eager
            came = bool(self._later) and self._later[0] <= time.monotonic()
            while self._later and self._later[0] <= time.monotonic():
                heapq.heappop(self._later)
        due |= dict.fromkeys(eager, 0.0)
        if due or came or (self._full and room):
            if room:
                self._full = False
            lanes.wake(due)

    # What this process holds.

    def _room(self) -> int:
        with self._lock:
            return MAX_HELD - self._held.total() if self._held_bytes < MAX_HELD_BYTES else 0

    def _replay_room(self) -> int | None:
        """How many replays may be claimed: any number, but a few while live traffic comes."""
        if time.monotonic() - self._live_at > LIVE_SECONDS:
            return None
        with self._lock:
            return max(0, REPLAYS_BESIDE_LIVE - self._held_replays)

    def _replays_turn(self) -> set[int]:
        """The lanes whose replays wait, when it is time for some."""
        now = time.monotonic()
        if not self._waiting_replays or now - self._replays_at < REPLAY_PAUSE_SECONDS or self._replay_room() == 0:
            return set()
        with self._lock:
            self._replays_at = now
            lanes_with_replays, self._waiting_replays = self._waiting_replays, set()
        return lanes_with_replays

    def _next_due(self, cursor: extensions.cursor, room: dict[int, int], counts: Counter[int]) -> dict[int, float]:
        """Of the lanes that were looked at, when each has work again: at once where its room was used up."""
        full = {lane: 0.0 for lane in room if counts[lane] == room[lane]}
        emptied = [lane for lane in room if lane not in full]
        if not emptied:
            return full
        try:
            found = claim.next_due(cursor, emptied)
        except psycopg2.Error as error:
            logger.warning("Could not look ahead (%s); the sweep will.", str(error).strip())
            return full
        limited = self._replay_room() is not None
        for lane, (delivery, replay) in found.items():
            waits = limited and replay is not None and replay <= 0
            if waits:
                with self._lock:
                    self._waiting_replays.add(lane)
            times = [seconds for seconds in (delivery, None if waits else replay) if seconds is not None]
            if times:
                full[lane] = min(times)
        return full

    def _hold(self, ones: Sequence[Claimed], sign: int = 1) -> Counter[int]:
        """Notes what was claimed, or with -1 what is done with; returns how many of each lane."""
        counts = Counter(one.postback_id for one in ones)
        with self._lock:
            self._held_bytes += sign * sum(len(one.parameters) for one in ones)
            self._held_replays += sign * sum(one.priority == Priority.REPLAY for one in ones)
            if sign > 0 and any(one.priority == Priority.LIVE for one in ones):
                self._live_at = time.monotonic()
            for lane, count in counts.items():
                self._held[lane] += sign * count
                if not self._held[lane]:
                    del self._held[lane]
        return counts


def prepare(claimed: Claimed, setup: Setup, not_before: float | None, *, probe: bool = False) -> Prepared | GaveUp:
    """Builds the request from the event's values and the postback as it is set up now."""
    compiled, rules, broken, _locked = setup.compiled
    if compiled is None or rules is None:
        return GaveUp(broken)
    values = orjson.loads(claimed.parameters)
    values["DeliveryId"] = str(claimed.known_as)
    values["Attempt"] = str(claimed.attempt)
    values["ActionEvent"] = claimed.event_kind
    try:
        return Prepared(claimed, compiled.build(values), rules, not_before, setup.troubled, probe)
    except Unbuildable as problem:
        return GaveUp(str(problem))
    except Exception as bug:
        logger.exception("Delivery %d could not be built.", claimed.delivery_id)
        return GaveUp(f"The request could not be built, by an error of ours: {bug!r}")


def _judge(sent: Sent) -> Fate:
    try:
        return judge(sent)
    except Exception as bug:
        logger.exception("The answer to delivery %d could not be judged.", sent.prepared.claimed.delivery_id)
        return GaveUp(f"The answer could not be judged, by an error of ours: {bug!r}")


@cache
def engine() -> Engine:
    """This process's engine, started at the first call."""
    return Engine()


def stop_engine() -> None:
    """Stops this process's engine, if it was started."""
    if engine.cache_info().currsize:
        engine().stop()
        engine.cache_clear()
